-- Gives a live session the new epoch of its subject. KEYS: session. ARGV: time, subject, the epoch before, the new
-- epoch.
local now = clock()
local row = read(KEYS[1], now)
local epoch = tonumber(row[6])
if row[1] and row[2] == ARGV[2] and row[9] == '0' and now < tonumber(row[7]) and now < tonumber(row[8])
  and epoch >= tonumber(ARGV[3]) and epoch < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'ep', ARGV[4])
end
return 1
