-- What ended for reuse had ended with its subject before. KEYS: session.
if redis.call('HGET', KEYS[1], 'st') == '3' then redis.call('HSET', KEYS[1], 'st', 254) end
return 1
