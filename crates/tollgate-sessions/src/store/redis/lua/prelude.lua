-- In front of every script. ARGV[1] is the time that a test has set, in milliseconds; empty means the server's own.
local FIELDS = { 'h', 'sub', 'g', 'gg', 'rt', 'ep', 'ax', 'ix', 'st', 'ea', 'at', 'fp', 'm', 'ev' }
local BY_HAND = ARGV[1] ~= ''

local function clock()
  if BY_HAND then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- As a whole number: `tostring` would round it.
local function whole(number)
  return string.format('%.0f', number)
end

-- A session. What the server evicts by its own clock is removed here when a test has set another one.
local function read(key, now)
  if BY_HAND then
    local over = redis.call('HGET', key, 'xp')
    if over and tonumber(over) <= now then redis.call('DEL', key) end
  end
  return redis.call('HMGET', key, unpack(FIELDS))
end

-- An answer for which nothing has to be written. It decides all the same: so a write that changes nothing goes with it,
-- which a server that has become a replica refuses.
local function unwritten(key, outcome, row)
  redis.call('HDEL', key, '')
  return { outcome, row }
end

-- Forgets a session at that time.
local function keep_until(key, time)
  if BY_HAND then
    redis.call('HSET', key, 'xp', whole(time))
  else
    redis.call('PEXPIREAT', key, whole(time))
  end
end

-- Removes the oldest announcements, as far as no token needs them any longer, and says how many.
local function trim(key, now, most)
  local removed = 0
  for _, entry in ipairs(redis.call('XRANGE', key, '-', '+', 'COUNT', most)) do
    local fields, needed = entry[2], false
    for at = 1, #fields, 2 do
      if fields[at] == 'until' then needed = tonumber(fields[at + 1]) > now end
    end
    if needed then break end
    redis.call('XDEL', key, entry[1])
    removed = removed + 1
  end
  return removed
end

