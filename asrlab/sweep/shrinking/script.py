"""Script: what a reproducer sends its request with, as the service documentation has it (submit, tasks, uploads).

A POSIX shell script for curl, without jq: members of JSON are found by name, since none that is wanted holds a quote.
It is the same for every request but for the address asked, the model and the name of the file with the recording, which
stand for ``@BASE@``, ``@MODEL@`` and ``@AUDIO@``.
"""

from __future__ import annotations

from typing import Final

SCRIPT: Final = r"""#!/bin/sh
# Sends the request in request.json about the recording beside it, and saves what comes back as answer-now.json.
#
#   DASHSCOPE_API_KEY=... ./run.sh             asks the service
#   DASHSCOPE_API_KEY=... ./run.sh BASE_URL    asks another host of it, or a stand-in on this machine
#
# With AUDIO_URL=https://... nothing is uploaded: that is a link of the recording which the service can fetch.
# One run is one request, and is billed as one. The key goes to curl on its standard input: it is in no file, and in no
# list of processes.
set -eu
CDPATH= cd -- "$(dirname -- "$0")"

base=${1:-@BASE@}
base=${base%/}
base=${base%/api/v1}/api/v1
key=${DASHSCOPE_API_KEY:-}

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

case $base in
  http://127.0.0.1:*/api/v1 | http://localhost:*/api/v1) key=${key:-local} ;;
  https://*) ;;
  *) fail "The service is asked by https, and not at $base." ;;
esac
[ -n "$key" ] || fail 'Set DASHSCOPE_API_KEY.'
case $key in
  *[!A-Za-z0-9._-]*) fail 'DASHSCOPE_API_KEY holds characters that no key has.' ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

curl_() {
  curl --silent --show-error --globoff --proto '=http,https' --noproxy 127.0.0.1,localhost --max-time 600 \
    --output "$work/body" --write-out '%{http_code}' "$@"
}

# Asks the service; what it answers is then in $work/body.
ask() {
  status=$(printf 'header = "Authorization: Bearer %s"\n' "$key" | curl_ --config - "$@") || fail 'No answer.'
  [ "$status" = 200 ] || fail "HTTP status $status: $(cat "$work/body")"
}

# The text of a member of the JSON in $work/body.
member() {
  { tr -d '\n\r' <"$work/body"; echo; } | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p' | sed 's/\\u0026/\&/g; s|\\/|/|g'
}

is_link() {
  case $1 in
    http://* | https://* | oss://*) ;;
    *) return 1 ;;
  esac
  [ -z "$(printf '%s' "$1" | LC_ALL=C tr -d "A-Za-z0-9._~:/?#@!\$%&()*+,;=-")" ]
}

url=${AUDIO_URL:-}
if [ -z "$url" ]; then
  echo 'Uploading @AUDIO@ ...' >&2
  ask --get --data action=getPolicy --data-urlencode 'model=@MODEL@' "$base/uploads"
  host=$(member upload_host)
  object=$(member upload_dir)/@AUDIO@
  is_link "$host" || fail 'No place to upload to was named.'
  status=$(curl_ --form-string "OSSAccessKeyId=$(member oss_access_key_id)" \
    --form-string "Signature=$(member signature)" --form-string "policy=$(member policy)" \
    --form-string "key=$object" --form-string "x-oss-object-acl=$(member x_oss_object_acl)" \
    --form-string "x-oss-forbid-overwrite=$(member x_oss_forbid_overwrite)" \
    --form-string success_action_status=200 --form 'file=@@AUDIO@' "$host") || fail 'The upload failed.'
  [ "$status" = 200 ] || fail "The upload failed with HTTP status $status: $(cat "$work/body")"
  url=oss://$object
fi
is_link "$url" || fail 'The link of the recording holds characters that no link has; percent-encode them.'

# The link stands alone in its line, so that nothing in the parameters can be taken for it.
link=$(printf '%s' "$url" | sed 's/[&|\\]/\\&/g')
line='  "input": {"file_url": "AUDIO_URL"},'
sed "s|^$line\$|  \"input\": {\"file_url\": \"$link\"},|" request.json >"$work/request.json"

echo 'Submitting ...' >&2
set -- --header 'Content-Type: application/json; charset=utf-8' --header 'X-DashScope-Async: enable'
case $url in
  oss://*) set -- "$@" --header 'X-DashScope-OssResourceResolve: enable' ;;
esac
ask "$@" --data-binary "@$work/request.json" "$base/services/audio/asr/transcription"
task=$(member task_id)
case $task in
  '' | *[!A-Za-z0-9_-]*) fail "No task in: $(cat "$work/body")" ;;
esac
echo "Task $task" >&2

waited=0
while :; do
  ask "$base/tasks/$task"
  state=$(member task_status)
  case $state in
    PENDING | RUNNING) ;;
    SUCCEEDED) break ;;
    *)
      cp "$work/body" answer-now.json
      cat answer-now.json
      echo
      case $(member code) in
        SUCCESS_WITH_NO_VALID_FRAGMENT | ASR_RESPONSE_HAVE_NO_WORDS)
          echo 'The service heard no speech: an empty transcript.' >&2
          exit 0
          ;;
      esac
      fail "The task ended as $state."
      ;;
  esac
  [ "$waited" -lt 3600 ] || fail "Task $task has not ended in an hour."
  pause=$((waited < 10 ? 1 : 5))
  sleep "$pause"
  waited=$((waited + pause))
done

# The result is fetched without the key: its link is signed.
result=$(member transcription_url)
is_link "$result" || fail 'No link of a result was named.'
status=$(curl_ "$result") || fail 'The result could not be fetched.'
[ "$status" = 200 ] || fail "The result could not be fetched: HTTP status $status."
cp "$work/body" answer-now.json
cat answer-now.json
echo
"""
