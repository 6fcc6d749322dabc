-- A number above all that were drawn, and the epoch of everybody at this moment. KEYS: numbers.
local number = math.max((tonumber(redis.call('HGET', KEYS[1], 'n')) or 0) + 1, clock())
redis.call('HSET', KEYS[1], 'n', whole(number))
return { number, tonumber(redis.call('HGET', KEYS[1], 'g')) or 0 }
