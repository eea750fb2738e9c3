# shellcheck disable=SC2154 # the Go file beside it sets what is not set here
# $1: what was copied, in the user's home.
clean
rm -rf "./$1"
systemctl show --property=LoadState "$unit" | sed 's/^/= /'
