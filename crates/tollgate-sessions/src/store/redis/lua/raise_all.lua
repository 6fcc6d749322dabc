-- Raises the epoch of everybody above all numbers that were drawn: to the last one, if it is still the one given.
-- KEYS: numbers. ARGV: time, number.
local last = tonumber(redis.call('HGET', KEYS[1], 'n')) or 0
local number = tonumber(ARGV[2])
if last ~= number then number = math.max(last + 1, clock()) end
redis.call('HSET', KEYS[1], 'n', whole(number), 'g', whole(number))
return number
