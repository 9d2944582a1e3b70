-- Send GET requests for random leads. Arguments: the number of the round, a file with an id in each line.
local ids = {}

function init(args)
  math.randomseed(tonumber(args[1]))
  for id in io.lines(args[2]) do ids[#ids + 1] = id end
end

function request()
  return wrk.format("GET", wrk.path .. "/" .. ids[math.random(#ids)])
end
