-- Removes expired announcements, and returns how many. KEYS: stream. ARGV: time, how many at most.
return trim(KEYS[1], clock(), tonumber(ARGV[2]))
