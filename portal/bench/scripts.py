"""The script of wrk for a whole sign-in: what each answer says decides the next request."""

from typing import Final

from portal.bench.load import lua_table, lua_text
from portal.bench.stage import CALLBACK, VERIFIER, Stage, form_body
from sso.provider.messages import FORM_MEDIA_TYPE

_FLOW: Final = """
jobs, failed = 0, 0
local step, target, cookie, code = 1, nil, nil, nil
function request()
  if step == 1 then
    return wrk.format("GET", authorize, {["Cookie"] = sessions[(number - 1) % #sessions + 1]})
  elseif step == 2 then
    return wrk.format("GET", target, {["Cookie"] = sessions[(number - 1) % #sessions + 1] .. "; " .. cookie})
  end
  return wrk.format("POST", "/oauth/token", form, credentials .. "&code=" .. code)
end
function response(status, headers, body)
  local place = headers["Location"] or headers["location"] or ""
  if step == 1 and status == 303 and place:find("request=", 1, true) then
    target, cookie = place, (headers["Set-Cookie"] or headers["set-cookie"]):match("^[^;]+")
    step = 2
  elseif step == 2 and status == 303 and place:find("code=", 1, true) then
    code = place:match("code=([^&]+)")
    step = 3
  elseif step == 3 and status == 200 and body:find("id_token", 1, true) then
    jobs = jobs + 1
    step = 1
  else
    failed = failed + 1
    step = 1
  end
end
"""


def code_flow_script(stage: Stage) -> str:
    """Return the script: each thread of wrk has one connection and is the browser of one citizen."""
    sessions = ",".join(lua_text(f"yinxin={citizen.secret}") for citizen in stage.citizens)
    credentials = form_body(
        {
            "grant_type": "authorization_code",
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "client_id": stage.first.client.id,
            "client_secret": stage.first.secret,
        }
    )
    return (
        f"local authorize = {lua_text('/oauth/authorize?' + form_body(stage.authorization()))}\n"
        f"local sessions = {{{sessions}}}\n"
        f"local credentials = {lua_text(credentials)}\n"
        f"local form = {lua_table({'Content-Type': FORM_MEDIA_TYPE})}\n{_FLOW}"
    )
