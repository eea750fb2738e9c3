package trust

// Distributor is who signs images: where its keys are published, and which of them are trusted.
type Distributor struct {
	Name         string
	Keys         string   // URL of the key material; it is believed only as far as the fingerprints go
	Fingerprints []string // of primary keys, hex
	Material     []byte   // the keys themselves, where they are not fetched
}

// Fedora signs Fedora CoreOS with the key of the release that it is built from
// (https://fedoraproject.org/security/). A key of a new release is added here before that is out, and goes to
// those of FedoraAt when it has ended.
var Fedora = Distributor{
	Name: "Fedora",
	Keys: "https://fedoraproject.org/fedora.gpg",
	Fingerprints: []string{
		"C6E7F081CF80E13146676E88829B606631645531", // Fedora 43
		"36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6", // Fedora 44
		"4F50A6114CD5C6976A7F1179655A4B02F577861E", // Fedora 45
	},
}

// Flatcar signs with subkeys of one key (https://www.flatcar.org/security/image-signing-key/). They
// expire and are followed by others: 52F145DFD00BBDCD928CBB5A32DA80F91EF52974 until 2027-03-08.
var Flatcar = Distributor{
	Name:         "Flatcar",
	Keys:         "https://www.flatcar.org/security/image-signing-key/Flatcar_Image_Signing_Key.asc",
	Fingerprints: []string{"F88CFEDEFF29A5B4D9523864E25D9AED0593B34A"},
}
