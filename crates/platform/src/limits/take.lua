-- Reads the backlog of each bucket, in microseconds of the server's clock, and
-- changes it as gcra.rs does. KEYS: the buckets. ARGV: the act, then step and
-- period of each. Answers the backlogs as they were.
local act = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local before, fits = {}, true
for i, key in ipairs(KEYS) do
    local step, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local empty_at = tonumber(redis.call('GET', key) or now)
    -- A clock that was set back must not lock anybody out.
    before[i] = math.min(math.max(empty_at - now, 0), period)
    fits = fits and before[i] + step <= period
end
if act == 'look' or (act == 'take' and not fits) then
    return before
end
for i, key in ipairs(KEYS) do
    local step, period = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
    local after
    if act == 'give_back' then
        after = math.max(before[i] - step, 0)
    else
        after = math.min(before[i] + step, period)
    end
    if after > 0 then
        redis.call('SET', key, string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
    else
        redis.call('DEL', key)
    end
end
return before
