-- Send GET requests for pages in turn. Arguments: the number of the round, a file with a URL in each line.
local paths, next_page = {}, 0

function init(args)
  for address in io.lines(args[2]) do paths[#paths + 1] = address:gsub("^https?://[^/]+", "") end
end

function request()
  next_page = next_page % #paths + 1
  return wrk.format("GET", paths[next_page])
end
