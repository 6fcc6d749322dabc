-- Ends a session that was not ended, or only looks whether it would. KEYS: session. ARGV: time, reason, how long the
-- end is kept, `look` or `end`, then its owner if only that one may.
local now = clock()
local row = read(KEYS[1], now)
if not row[1] or (ARGV[5] and ARGV[5] ~= row[2]) then return unwritten(KEYS[1], 'unchanged', {}) end
-- 254: it ended with its subject, and can still be ended by itself.
if row[9] ~= '0' and row[9] ~= '254' then return { 'ended', row } end
if ARGV[4] == 'look' then return { 'live', row } end
redis.call('HSET', KEYS[1], 'st', ARGV[2], 'ea', whole(now), 'ev', 1)
keep_until(KEYS[1], math.min(now + tonumber(ARGV[3]), tonumber(row[7])))
return { 'ended-now', row }
