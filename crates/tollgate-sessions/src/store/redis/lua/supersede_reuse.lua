-- Records that a session revoked for reuse had been revoked with its subject before. KEYS: session. ARGV: time.
if redis.call('HGET', KEYS[1], 'st') == '3' then redis.call('HSET', KEYS[1], 'st', 254) end
return 1
