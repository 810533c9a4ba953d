"""Script: what a reproducer sends its request with, as the service documentation has it (submit, tasks, uploads).

A POSIX shell script for curl, without jq: members of JSON are found by name, since none that is wanted holds a quote.
It is the same for every request but for the address asked, the model, the name of the file with the recording, the line
of the request that has its link (as it is, and as a pattern) and whether the model answers at once, which stand for
``@BASE@``, ``@MODEL@``, ``@AUDIO@``, ``@LINE@``, ``@PATTERN@`` and ``@AT_ONCE@``.
"""

from __future__ import annotations

from typing import Final

SCRIPT: Final = r"""#!/bin/sh
# Sends the request in request.json about the recording beside it, and saves what comes back as answer-now.json.
#
#   DASHSCOPE_API_KEY=... ./run.sh             asks the service
#   DASHSCOPE_API_KEY=... ./run.sh BASE_URL    asks another host of it, or a stand-in on this machine
#   TASK=... (and the like)                    sends nothing, and fetches what a task came to that was sent before
#
# With AUDIO_URL=https://... nothing is uploaded: that is a link of the recording which the service can fetch.
# One run without TASK is one request, and is billed as one. The key goes to curl on its standard input: it is in no
# file, and in no list of processes.
set -eu
CDPATH= cd -- "$(dirname -- "$0")"

base=${1:-@BASE@}
base=${base%/}
base=${base%/api/v1}/api/v1
key=${DASHSCOPE_API_KEY:-}
at_once=@AT_ONCE@

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

case $base in
  http://127.0.0.1:*/api/v1 | http://localhost:*/api/v1)
    port=${base#http://*:}
    case ${port%/api/v1} in
      '' | *[!0-9]*) fail "The service on this machine is named by a port, and not by $base." ;;
    esac
    key=${key:-local}
    ;;
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

# Asks the service; the status is then in $status, and what it answers in $work/body.
send() {
  status=$(printf 'header = "Authorization: Bearer %s"\n' "$key" | curl_ --config - "$@") || status=000
}

ask() {
  send "$@"
  [ "$status" != 000 ] || fail 'No answer.'
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
  # The dot keeps an end of line, which would be lost at the end.
  [ "$(printf '%s' "$1" | LC_ALL=C tr -d "A-Za-z0-9._~:/?#@!\$%&()*+,;=-"; echo .)" = . ]
}

# What was sent is paid: it is asked for until it is there, whatever comes of single requests.
waited=0
wait_on() {
  [ "$waited" -lt 3600 ] || fail "Task $task has not ended in an hour ($1); TASK=$task asks for it again."
  pause=$((waited < 10 ? 1 : 5))
  sleep "$pause"
  waited=$((waited + pause))
}

# Waits after what may pass: no answer (000), too many requests, an error of the service.
ride_out() {
  case $status in
    000 | 429 | 5??) echo "HTTP status $status; asking again ..." >&2 ;;
    *) fail "HTTP status $status: $(cat "$work/body")" ;;
  esac
  wait_on "HTTP status $status"
}

# Shows what came, and ends: an error that says that nothing is said is an empty transcript.
conclude() {
  cp "$work/body" answer-now.json
  cat answer-now.json
  echo
  case $(member code) in
    SUCCESS_WITH_NO_VALID_FRAGMENT | ASR_RESPONSE_HAVE_NO_WORDS)
      echo 'The service heard no speech: an empty transcript.' >&2
      exit 0
      ;;
  esac
  [ -z "$1" ] || fail "$1"
  exit 0
}

# Sends the request, given the headers, to a model that answers at once.
answer_at_once() {
  send "$@" --data-binary "@$work/request.json" "$base/services/aigc/multimodal-generation/generation"
  [ "$status" != 000 ] || fail 'No answer. It may be billed all the same.'
  [ "$status" = 200 ] || conclude "HTTP status $status."
  # A complaint may come with status 200. Within texts quotes are escaped, so this is a member.
  grep -q '"choices"' "$work/body" || conclude "No answer in it, but a complaint: $(member code)."
  conclude ''
}

# Uploads and submits; the task is then in $task.
submit() {
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
  line='@LINE@'
  pattern='@PATTERN@'
  sed "s|^$pattern\$|${line%AUDIO_URL*}$link${line#*AUDIO_URL}|" request.json >"$work/request.json"

  echo 'Submitting ...' >&2
  set -- --header 'Content-Type: application/json; charset=utf-8'
  case $url in
    oss://*) set -- "$@" --header 'X-DashScope-OssResourceResolve: enable' ;;
  esac
  [ "$at_once" = no ] || answer_at_once "$@"
  set -- "$@" --header 'X-DashScope-Async: enable' --data-binary "@$work/request.json"
  ask "$@" "$base/services/audio/asr/transcription"
  task=$(member task_id)
}

task=${TASK:-}
if [ -z "$task" ]; then
  submit
fi
case $task in
  '' | *[!A-Za-z0-9_-]*) fail "No task in: ${TASK:-$(cat "$work/body")}" ;;
esac
echo "Task $task (should this end early: with TASK=$task in the environment it is fetched, and nothing sent)" >&2

while :; do
  send "$base/tasks/$task"
  if [ "$status" != 200 ]; then
    ride_out
    continue
  fi
  state=$(member task_status)
  case $state in
    PENDING | RUNNING) ;;
    '') echo "No state of the task in: $(cat "$work/body")" >&2 ;;
    SUCCEEDED) break ;;
    *) conclude "The task ended as $state." ;;
  esac
  wait_on "${state:-no state}"
done

# A task has succeeded also where its only part has not.
[ "$(member subtask_status)" != FAILED ] || conclude "The task's part ended as FAILED: $(member code)."

# The result is fetched without the key: its link is signed.
result=$(member transcription_url)
is_link "$result" || conclude 'No link of a result was named.'
while :; do
  status=$(curl_ "$result") || status=000
  [ "$status" != 200 ] || break
  ride_out
done
conclude ''
"""
