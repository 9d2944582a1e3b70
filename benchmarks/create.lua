-- Send POST requests, each with a new e-mail address. Argument: the number of the round.
local round, number = "", 0

wrk.headers["Content-Type"] = "application/json"

function init(args)
  round = args[1]
end

function request()
  number = number + 1
  return wrk.format("POST", nil, nil, string.format(
    '{"name":"Jane Doe %d","email":"Jane.Doe.%s.%d@company%d.example.com","phone":"+4930%07d",' ..
    '"source":"website","attributes":{"company":"Company %d","employees":%d}}',
    number, round, number, number % 500, number, number % 500, number % 1000))
end
