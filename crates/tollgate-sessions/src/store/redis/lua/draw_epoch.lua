-- Draws an epoch above all epochs that were drawn, and returns it with the global epoch. KEYS: epochs. ARGV: time.
local drawn = math.max((tonumber(redis.call('HGET', KEYS[1], 'n')) or 0) + 1, clock())
redis.call('HSET', KEYS[1], 'n', whole(drawn))
return { drawn, tonumber(redis.call('HGET', KEYS[1], 'g')) or 0 }
