-- Sets the global epoch and returns it: the given epoch if none was drawn after it, else a new epoch above all.
-- KEYS: epochs. ARGV: time, the epoch that was drawn.
local last = tonumber(redis.call('HGET', KEYS[1], 'n')) or 0
local epoch = tonumber(ARGV[2])
if last ~= epoch then epoch = math.max(last + 1, clock()) end
redis.call('HSET', KEYS[1], 'n', whole(epoch), 'g', whole(epoch))
return epoch
