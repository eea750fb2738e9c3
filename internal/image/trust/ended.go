package trust

import (
	"embed"
	"fmt"
)

// endedKeys are the keys themselves, as Fedora serves those of releases that have ended no more. They are of
// rpm-software-management/distribution-gpg-keys, release 1.121 (CC0), keys/fedora.
//
//go:embed fedora/*.asc
var endedKeys embed.FS

// ended are the fingerprints of the keys of Fedora's releases that have ended, from the first of Fedora CoreOS on: as
// distribution-gpg-keys has them, and as the history of coreos/coreos-installer has them in src/signing-keys.asc, by which it
// checked these very images.
var ended = map[string]string{
	"31": "7D22D5867F2A4236474BF7B850CB390B3C3359C4",
	"32": "97A1AE57C3A2372CCA3A4ABA6C13026D12C944D0",
	"33": "963A2BEB02009608FE67EA4249FD77499570FF31",
	"34": "8C5BA6990BDB26E19F2A1A801161AE6945719A39",
	"35": "787EA6AE1147EEE56C40B30CDB4639719867C58F",
	"36": "53DED2CB922D8B8D9E63FD18999F7CBF38AB71F4",
	"37": "ACB5EE4E831C74BB7C168D27F55AD3FB5323552A",
	"38": "6A51BBABBA3D5467B6171221809A8D7CEB10B464",
	"39": "E8F23996F23218640CB44CBE75CF5AC418B8E74C",
	"40": "115DF9AEF857853EE8445D0A0727707EA15B79CC",
	"41": "466CF2D8B60BC3057AA9453ED0622462E99D6AD1",
	"42": "B0F4950458F69E1150C6C5EDC8AC4916105EF944",
}

// FedoraAt is who signs Fedora CoreOS of a major version ("43"). The key of a release that has ended counts for that one only.
func FedoraAt(major string) Distributor {
	fingerprint, is := ended[major]
	if !is {
		return Fedora
	}
	key, err := endedKeys.ReadFile("fedora/" + major + ".asc")
	if err != nil {
		panic(err) // it is embedded
	}
	return Distributor{Name: fmt.Sprintf("Fedora %s", major), Fingerprints: []string{fingerprint}, Material: key}
}
