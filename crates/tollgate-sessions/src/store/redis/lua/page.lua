-- Returns the time, the ID of the newest announcement ever made, and the announcements after a given ID. KEYS: stream.
-- ARGV: time, the ID, how many announcements at most.
local last = '0-0'
if redis.call('EXISTS', KEYS[1]) == 1 then
  local about = redis.call('XINFO', 'STREAM', KEYS[1])
  for at = 1, #about, 2 do
    if about[at] == 'last-generated-id' then last = about[at + 1] end
  end
end
local entries = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', ARGV[3])) do
  local by_name = {}
  for at = 1, #entry[2], 2 do by_name[entry[2][at]] = entry[2][at + 1] end
  entries[#entries + 1] = { entry[1], by_name['kind'] or '', by_name['key'] or '',
    by_name['min'] or '', by_name['until'] or '' }
end
return { clock(), last, entries }
