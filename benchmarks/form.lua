-- Submit a form, each time as another person. Argument: the number of the round.
local round, number = "", 0

wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Accept"] = "application/json"

function init(args)
  round = args[1]
end

function request()
  number = number + 1
  return wrk.format("POST", nil, nil, string.format(
    "your-name=Jane+Doe+%d&your-email=Jane.Doe.%s.%d%%40company%d.example.com&telefon=%%2B4930%07d" ..
    "&message=Do+you+deliver+on+Saturdays%%3F&company=Company+%d&employees=%d",
    number, round, number, number % 500, number, number % 500, number % 1000))
end
