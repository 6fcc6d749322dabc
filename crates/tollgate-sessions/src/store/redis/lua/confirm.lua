-- Remembers that the end was announced. KEYS: session.
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'ev', 1) end
return 1
