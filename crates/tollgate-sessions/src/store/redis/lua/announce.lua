-- Adds an announcement. KEYS: stream. ARGV: time, how long it is announced, kind, key, smallest epoch.
local now = clock()
redis.call('XADD', KEYS[1], '*', 'kind', ARGV[3], 'key', ARGV[4], 'min', ARGV[5], 'until',
  whole(now + tonumber(ARGV[2])))
trim(KEYS[1], now, 8)
return 1
