-- Reserves all claims or none. The rules are those of internal/domain/limits/counter.go.
-- ARGV: request, slot, then span, weight, limit, partial for each key; all times in microseconds. A span of 0 counts
-- requests under way.
-- Returns the number of the claim that is refused for the longest time or 0, the wait, and tick, took, left for each; of
-- a refused request nothing was taken.
local SLICES = 16
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local slot = tonumber(ARGV[2])
local refused, longest = 0, -1
local found = {}

local function refuse(i, wait)
  if wait > longest then refused, longest = i, wait end
end

for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 4
  local span, weight = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local limit, partial = tonumber(ARGV[at + 3]), ARGV[at + 4] == '1'
  if span == 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    local open = redis.call('ZCARD', key)
    if open >= limit then refuse(i, 1000000) end
    found[i] = {took = 1, left = limit - open - 1, tick = 0}
  else
    local step = math.floor(span / SLICES)
    local tick = math.floor(now / step)
    local sum, cells, old = 0, {}, {}
    local fields = redis.call('HGETALL', key)
    for f = 1, #fields, 2 do
      local k, v = tonumber(fields[f]), tonumber(fields[f + 1])
      if k < tick - SLICES then old[#old + 1] = fields[f]
      else
        sum = sum + v
        cells[#cells + 1] = {k, v}
        if k > tick then tick = k end
      end
    end
    if #old > 0 then redis.call('HDEL', key, unpack(old)) end
    local left = limit - sum
    local took = weight
    local fits = weight <= left
    if partial then took, fits, weight = math.min(weight, left), left > 0, 1 end
    if not fits then
      local wait = span
      if weight <= limit then
        table.sort(cells, function(a, b) return a[1] < b[1] end)
        local missing = weight - left
        for _, c in ipairs(cells) do
          missing = missing - c[2]
          if missing <= 0 then wait = math.max((c[1] + SLICES + 1) * step - now, 1000) break end
        end
      end
      refuse(i, wait)
    end
    found[i] = {took = took, left = left - took, tick = tick, ttl = math.ceil((span + 2 * step) / 1000)}
  end
end

if refused > 0 then
  local answer = {refused, longest}
  for i in ipairs(KEYS) do
    answer[#answer + 1] = 0
    answer[#answer + 1] = 0
    answer[#answer + 1] = found[i].left + found[i].took
  end
  return answer
end

local answer = {0, 0}
for i, key in ipairs(KEYS) do
  local f = found[i]
  if f.ttl then
    redis.call('HINCRBY', key, string.format('%.0f', f.tick), string.format('%.0f', f.took))
    redis.call('PEXPIRE', key, f.ttl)
  else
    redis.call('ZADD', key, now + slot, ARGV[1])
    redis.call('PEXPIRE', key, math.ceil(slot / 1000))
  end
  answer[#answer + 1] = f.tick
  answer[#answer + 1] = f.took
  answer[#answer + 1] = f.left
end
return answer
