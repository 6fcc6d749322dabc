-- Sets the epoch of a subject, unless it is as high already. Returns whether it did, and the epoch before. KEYS: epoch.
-- ARGV: time, the new epoch, how long it is kept.
local before = tonumber(redis.call('GET', KEYS[1])) or 0
if before >= tonumber(ARGV[2]) then return { 0, before } end
redis.call('SET', KEYS[1], ARGV[2])
if not MANUAL_CLOCK then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return { 1, before }
