package grammar

import (
	"regexp"

	"golang.org/x/crypto/ssh"

	"coreos-libvirt/internal/config/verify/document"
)

// ownKey stands for the cluster's own key, until there is one.
const ownKey = "SSH_Authorized_Key"

// hashes are what crypt(5) takes, and what means that there is no password.
var hashes = regexp.MustCompile(`^(?:[*!].*|x|` +
	`\$1\$[^$:\n]{0,8}\$[./0-9A-Za-z]{22}|` +
	`\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}|` +
	`\$5\$(?:rounds=[1-9][0-9]+\$)?[^$:\n]{0,16}\$[./0-9A-Za-z]{43}|` +
	`\$6\$(?:rounds=[1-9][0-9]+\$)?[^$:\n]{0,16}\$[./0-9A-Za-z]{86}|` +
	`\$g?y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}|` +
	`\$7\$[./A-Za-z0-9]{11,97}\$[./A-Za-z0-9]{43}|` +
	`\$sha1\$[^:\n]+|\$md5[^:\n]+|\$3\$[^:\n]+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13})$`)

// Logins are the faults of what lets users in.
func Logins(d document.Document) (faults []document.Fault) {
	for _, u := range d.Users {
		if u.Hash != "" && !hashes.MatchString(u.Hash) {
			faults = append(faults, document.Fault{
				Error: true, Path: document.UserPath(u.Name), Needle: u.Hash, Text: "user " + u.Name + ": this is not the hash of a password: nobody can log in with it",
				Hint: "`mage password` makes one",
			})
		}
		for _, key := range u.Keys {
			if key == ownKey || keyWorks(key) {
				continue
			}
			faults = append(faults, document.Fault{
				Error: true, Path: document.UserPath(u.Name), Needle: key, Text: "user " + u.Name + ": this is not a public key of ssh: sshd leaves it out",
				Hint: "the line of a file such as ~/.ssh/id_ed25519.pub, whole",
			})
		}
	}
	return faults
}

func keyWorks(key string) bool {
	_, _, _, _, err := ssh.ParseAuthorizedKey([]byte(key)) //nolint:dogsled // only whether it is one
	return err == nil
}
