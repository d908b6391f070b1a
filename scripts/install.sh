#!/usr/bin/env bash
# Installs what the tests need beside Go and Node: the npm packages and, with "browsers", Chromium, Firefox, WebKitGTK and
# sqlite3 (Debian's packages where apt-get can install them; elsewhere Playwright's own browsers, without WebKitGTK).
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in go node npm; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install Go 1.26 and Node 20 or later" >&2; exit 1; }
done

export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  # Not npm ci: it fails on a lock file that was written where a package for another platform could not be had.
  npm install --no-save --no-audit --no-fund
  touch node_modules/.package-lock.json
fi

[ "${1:-}" = browsers ] || exit 0
browsers=()
command -v "${IDBVAULT_CHROMIUM:-chromium}" >/dev/null || browsers+=(chromium)
command -v "${IDBVAULT_FIREFOX:-firefox-esr}" >/dev/null || browsers+=(firefox-esr)
command -v sqlite3 >/dev/null || browsers+=(sqlite3)
webkit=()
command -v WebKitWebDriver >/dev/null || webkit+=(webkit2gtk-driver)
command -v Xvfb >/dev/null || webkit+=(xvfb)
/usr/bin/python3 -c 'import gi; gi.require_version("WebKit2", "4.1")' 2>/dev/null || webkit+=(python3-gi gir1.2-webkit2-4.1)

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && grep -qi debian /etc/os-release; then
  [ $((${#browsers[@]} + ${#webkit[@]})) -gt 0 ] || exit 0
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${browsers[@]}" "${webkit[@]}"
elif [ ${#browsers[@]} -gt 0 ]; then
  command -v sqlite3 >/dev/null || { echo "sqlite3 is missing: the scan of Firefox profiles reads databases with it" >&2; exit 1; }
  npx playwright install chromium firefox
fi
