package generation

import "coreos-libvirt/internal/etcd/discovery"

// ways are examples of what discovery= takes, by the kind of token that they give.
var ways = []struct{ kind, words string }{
	{discovery.KindEmbedded, "discovery=embedded"},
	{discovery.KindEmbedded2, "discovery=embedded-v2"},
	{discovery.KindStatic, "discovery=static addresses=10.0.0.11,…"},
	{discovery.KindV2, "discovery=https://discovery.etcd.io"},
	{discovery.KindV3, "discovery=https://disc1:2379,https://disc2:2379"},
	{discovery.KindSRV, "discovery=srv:example.org"},
}

// Offers are the words of a command line by which discovery's word gets a value, the likeliest first. recreate says that the
// cluster has a token that stays for as long as its nodes do.
func Offers(o Options, word string) (words []string, recreate bool) {
	for _, way := range ways {
		if _, has := (discovery.Token{Kind: way.kind}).Values()[word]; has {
			words = append(words, way.words)
		}
	}
	token, found, err := discovery.Read(o.Dir, o.Prefix)
	return words, o.HasNodes && err == nil && found && !token.Retired
}
