// Package mask hides secrets in texts that are to be shown to others.
package mask

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Hidden stands in place of a secret.
const Hidden = "[hidden]"

// forms are how secrets look. What a form has in its first group and its second stays.
//
// Sources: RFC 7468 (PEM), crypt(5), sshd(8) AUTHORIZED_KEYS FILE FORMAT, RFC 3986 (userinfo, query), RFC 6750 (bearer), RFC 7519 (JWT),
// kubeadm's and k3s' documentation of tokens, GitHub's, GitLab's, AWS' and Slack's of their keys.
var forms = []*regexp.Regexp{
	regexp.MustCompile(`()-----BEGIN [A-Z0-9 ]+-----(?s:.*?)(?:-----END [A-Z0-9 ]+-----|\z)`),
	regexp.MustCompile(`()\$(?:y|gy|7|5|6|1|2[abxy]?|argon2(?:id?|d)|scrypt|sha1|pbkdf2[a-z0-9-]*)\$[^\s"':]+`),
	regexp.MustCompile(`()\b(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+)(?:-cert-v01@openssh\.com)?\s+AAAA[A-Za-z0-9+/=]+(?:[ \t]+[^\s"',]+)?`),
	regexp.MustCompile(`(\w://)[^/\s"'@]+(@)`),
	regexp.MustCompile(`(\w://[^\s"'?]*\?)[^\s"']+`),
	regexp.MustCompile(`(\bdata:[^,\s"']*,)[^\s"']+`),
	regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[^\s"',]{8,}`),
	regexp.MustCompile(`(?i)([\w.-]*(?:pass\b|(?:pass(?:word|wd|phrase)|secret|token|credential|api[_-]?key|private[_-]?key|access[_-]?key)[\w.-]*)["']?\s*(?:=|:\s)\s*["']?)[^\s"',]+`),
	regexp.MustCompile(`()\beyJ[\w-]+\.[\w-]+\.[\w-]*`),
	regexp.MustCompile(`()\b(?:gh[pousr]_\w{20,}|github_pat_\w+|glpat-[\w-]+|AKIA[0-9A-Z]{16}|xox[a-z]-[\w-]+|AGE-SECRET-KEY-1[0-9A-Z]+|K10[0-9a-f]{20,}::\S+)`),
	regexp.MustCompile(`()\b[a-z0-9]{6}\.[a-z0-9]{16}\b`),
	regexp.MustCompile(`()\b[0-9A-Fa-f]{32,}\b`),
}

// long is what may be Base64 of a key (RFC 4648).
var long = regexp.MustCompile(`[A-Za-z0-9+/]{40,}={0,2}`)

// Text is the text without secrets: those that are known, and what looks like one.
func Text(text string, known ...string) string {
	known = slices.DeleteFunc(slices.Clone(known), func(s string) bool { return len(s) < shortest })
	slices.SortFunc(known, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may be a part of another
	for _, secret := range known {
		text = strings.ReplaceAll(text, secret, Hidden)
	}
	for _, form := range forms {
		text = form.ReplaceAllString(text, "${1}"+Hidden+"${2}")
	}
	return long.ReplaceAllStringFunc(text, func(word string) string {
		if isMixed(word) {
			return Hidden
		}
		return word
	})
}

// shortest is how many characters a known secret has at least: a shorter one is in many words.
const shortest = 4

// isMixed reports whether the word has letters of both cases and digits, as a path or a name of that length hardly has.
func isMixed(word string) bool {
	return strings.ContainsFunc(word, unicode.IsUpper) && strings.ContainsFunc(word, unicode.IsLower) && strings.ContainsFunc(word, unicode.IsDigit)
}

// Value is what JSON makes of the value, with each text in it as Text has it.
func Value(value any, known ...string) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var plain any
	err = json.Unmarshal(text, &plain)
	return within(plain, known), err
}

// within hides secrets in the texts of a value of JSON.
func within(value any, known []string) any {
	switch v := value.(type) {
	case string:
		return Text(v, known...)
	case []any:
		for i := range v {
			v[i] = within(v[i], known)
		}
	case map[string]any:
		for key := range v {
			v[key] = within(v[key], known)
		}
	}
	return value
}
