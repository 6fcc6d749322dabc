-- Makes the number the epoch of a subject, unless it has a higher one. KEYS: epoch. ARGV: time, number, how long it is
-- kept. Answers whether it did, and the epoch before.
local before = tonumber(redis.call('GET', KEYS[1])) or 0
local number = tonumber(ARGV[2])
if before >= number then return { 0, before } end
redis.call('SET', KEYS[1], ARGV[2])
if not BY_HAND then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return { 1, before }
