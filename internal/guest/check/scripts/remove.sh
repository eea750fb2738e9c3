# $1: what was copied, in the user's home.
clean
rm -rf "./$1"
systemctl show --property=LoadState "$unit" | sed 's/^/= /'
