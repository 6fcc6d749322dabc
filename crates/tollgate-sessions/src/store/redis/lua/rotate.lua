-- `decide`, and what follows from it. KEYS: session. ARGV: time, generation, secret hash, window, recovery,
-- whether a token ahead is believed, idle, how long an end is kept, fingerprint.
local now = clock()
local row = read(KEYS[1], now)
if not row[1] or row[1] ~= ARGV[3] then return unwritten(KEYS[1], 'unknown', {}) end
local presented, generation, grace = tonumber(ARGV[2]), tonumber(row[3]), tonumber(row[4])
local rotated, absolute, idle, state = tonumber(row[5]), tonumber(row[7]), tonumber(row[8]), tonumber(row[9])
if not (generation and rotated and absolute and idle and state) then return { 'corrupt', {} } end

if state ~= 0 then return unwritten(KEYS[1], 'ended', row) end
if now >= absolute then return unwritten(KEYS[1], 'absolute', row) end
if now >= idle then return unwritten(KEYS[1], 'idle', row) end
local since = math.max(now - rotated, 0)
local current, previous = presented == generation, presented == grace
if (current or previous) and since < tonumber(ARGV[4]) then return unwritten(KEYS[1], 'replayed', row) end

local kind
if current then
  kind = 'rotated'
elseif presented > generation and ARGV[6] == '1' then
  kind = 'ahead'
elseif previous and since < tonumber(ARGV[5]) then
  kind = 'displaced'
else
  redis.call('HSET', KEYS[1], 'st', 3, 'ea', whole(now))
  row = redis.call('HMGET', KEYS[1], unpack(FIELDS))
  keep_until(KEYS[1], math.min(now + tonumber(ARGV[8]), absolute))
  return { 'reuse', row }
end

-- A session that has used up its generations is over.
local successor = math.max(generation, presented) + 1
if successor > 4294967295 then return unwritten(KEYS[1], 'absolute', row) end
idle = math.min(now + tonumber(ARGV[7]), absolute)
redis.call('HSET', KEYS[1], 'g', whole(successor), 'gg', whole(presented), 'rt', whole(now), 'ix', whole(idle))
if ARGV[9] ~= '' then
  redis.call('HSET', KEYS[1], 'fp', ARGV[9])
else
  redis.call('HDEL', KEYS[1], 'fp')
end
row = redis.call('HMGET', KEYS[1], unpack(FIELDS))
-- This may be the end of it at once.
keep_until(KEYS[1], idle)
return { kind, row }
