package settings

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings/clusterfile"
	"coreos-libvirt/internal/settings/secret"
)

// Clusters is what is known of a workspace's clusters. The zero value knows none.
type Clusters struct {
	Names []string          // sorted
	Nodes map[string]string // the cluster of each node, by the node's name
	Made  map[string]string // what each was made with, by its name, as Remembered writes it
	URI   map[string]string // where each is, by its name
}

// The keys of a mark's settings that are none.
const (
	ofTheFile = "-file"   // settings that the cluster file gave: they are forgotten if it does not give them any more
	notNoted  = "-secret" // settings that were given and are not written down
)

// always are settings whose default is another one for another user or on another machine.
var always = []string{"arch", "discovery", "store"}

// Remembered is what the cluster is made with, for the marks of its nodes: what was given of settings that say what a cluster is,
// each once, sorted, as a URL's query (WHATWG URL, 5). Secrets are not in it, only their names.
func (s *Settings) Remembered() string {
	noted := url.Values{}
	for _, c := range s.chosen {
		described := c.key.of == ofNode || c.key.of == ofCluster || c.key.of == ofSecret
		if described && (s.isGiven(c) || slices.Contains(always, c.key.Name)) {
			note(noted, c.key.Name, c.value, c.from, c.isSecret())
		}
	}
	for name, value := range s.Vars {
		note(noted, varPrefix+name, value, s.varFrom[name], IsSecret(name, value))
	}
	for _, key := range s.Forgotten { // it was given once
		noted.Add(notNoted, key)
	}
	slices.Sort(noted[notNoted])
	slices.Sort(noted[ofTheFile])
	return noted.Encode()
}

// note adds a setting.
func note(noted url.Values, key, value, from string, secret bool) {
	if strings.HasPrefix(from, clusterfile.Folder+"/") {
		noted.Add(ofTheFile, key)
	}
	switch {
	case secret && value != "":
		noted.Add(notNoted, key)
	case !secret:
		noted.Set(key, value)
	}
}

// secretName is how words of the user's own are called whose values nobody else may read: who may look at domains reads their marks.
var secretName = regexp.MustCompile(`(?i)(pass|secret|token|key|hash|credential|private)`)

// isSecret reports whether nobody else may read the value: not a file with a secret, nor a user in a URI of libvirt's.
func (c choice) isSecret() bool {
	return c.key.of == ofSecret && secret.Is(c.key.Name, c.value) || c.key.Name != "hosts" && hidesIn(c.value)
}

// IsSecret reports whether a word of the user's own is one that nobody else may read.
func IsSecret(name, value string) bool { return secretName.MatchString(name) || hidesIn(value) }

// hidesIn reports whether the text is a URL that carries a secret: a user's password, or a query, as of a link that was signed.
func hidesIn(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.User != nil || u.RawQuery != "")
}

// fromMark is what the cluster was made with, and which of it is not written down. What the file gave counts only while the file
// gives it, or is gone.
func fromMark(prefix, text string, file clusterfile.File) (s source, secrets []string) {
	s = source{named("cluster " + prefix), map[string]string{}}
	noted, err := url.ParseQuery(text)
	if err != nil {
		return s, nil // of a program that wrote something else
	}
	dropped := func(key string) bool {
		_, has := file.Has(key)
		return file.There && slices.Contains(noted[ofTheFile], key) && !has
	}
	for key, values := range noted {
		if !dropped(key) && notes(key, values[0]) {
			s.values[key] = values[0]
		}
	}
	for _, key := range noted[notNoted] {
		if _, is := describes(key); is && !dropped(key) {
			secrets = append(secrets, key)
		}
	}
	return s, secrets
}

// describes is the setting of that name if it says what a cluster is, or none for a word of the user's own.
func describes(key string) (k Key, is bool) {
	if name, own := strings.CutPrefix(key, varPrefix); own {
		return k, wrongName(name) == ""
	}
	all := nobodys()
	i := slices.IndexFunc(all, func(k Key) bool { return k.Name == key && slices.Contains([]scope{ofNode, ofCluster, ofSecret}, k.of) })
	if i < 0 {
		return k, false
	}
	return all[i], true
}

// notes reports whether a mark may have the setting with that value: marks can be written by others, and by other versions of this program.
func notes(key, value string) bool {
	k, is := describes(key)
	return is && (k.Set == nil || k.Set(&Settings{}, value) == nil)
}

// which is the prefix that the run is about, and where it is from. several are the clusters that there are if nobody says which.
func (c Clusters) which(sources []source, env Environment, lab bool) (prefix, from string, several []string) {
	prefix, from = Keys(env)[0].choose(sources, lab)
	if from != fromDefault {
		return prefix, from, nil
	}
	for _, s := range sources {
		if node := s.values["node"]; c.Nodes[node] != "" {
			return c.Nodes[node], "node=" + node, nil
		}
	}
	switch len(c.Names) {
	case 0:
		return prefix, from, nil
	case 1:
		return c.Names[0], fromOnly, nil
	}
	return prefix, from, c.Names
}

// fromOnly is where the prefix is from if nobody gives it and there is one cluster.
const fromOnly = "the only cluster"
