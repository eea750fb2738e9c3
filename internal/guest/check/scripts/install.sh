# shellcheck disable=SC2154 # the Go file beside it sets what is not set here
# $1: what was copied, in the user's home. $2: the executable's name. $3: the test's.
set -e
clean
for bin in "$root/usr/local/bin" "$root/opt/bin"; do # Flatcar keeps the first read-only
	if mkdir -p "$bin" 2>/dev/null && cp "./$1/exe" "$bin/kola-runext-$2" 2>/dev/null; then
		break
	fi
	bin=
done
if [ -z "$bin" ]; then
	echo "neither /usr/local/bin nor /opt/bin can be written" >&2
	exit 1
fi
exe=$bin/kola-runext-$2
chmod 755 "$exe"
mkdir -p "$data/extdata" "$etc"
if [ -d "./$1/data" ]; then
	cp -R "./$1/data/." "$data/extdata"
fi
cat >"$etc/$unit" <<END
[Unit]
Description=The test $3 of mage check
[Service]
RemainAfterExit=yes
TimeoutStopSec=10
LogRateLimitIntervalSec=0
EnvironmentFile=-$run-env
Environment=KOLA_UNIT=$unit
Environment=KOLA_TEST=$3
Environment=KOLA_TEST_EXE=$2
Environment=KOLA_EXT_DATA=$data/extdata
ExecStart=$exe
END
if command -v restorecon >/dev/null; then # copies have the labels of a home directory, which systemd runs nothing of
	restorecon -R "$exe" "$data" "$etc/$unit" || true
fi
tools
systemctl daemon-reload
rm -rf "./$1"
