-- Marks the revocation of a session as announced. KEYS: session. ARGV: time.
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'ev', 1) end
return 1
