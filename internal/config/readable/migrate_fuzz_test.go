package readable

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/config/transpile"
)

// stricter is what Butane refuses of what Ignition takes: `mage migrate` says so, and the user corrects it.
var stricter = regexp.MustCompile(`have no section \[Install\]|user/group ignored for hard link|filesystem overwrites partitioned device|device matches disk with wipeTable enabled`)

// migrated is a config written as Butane, and back: an error if the documents differ. taken is whether the transpilers took it.
func migrated(clc []byte) (taken bool, err error) {
	old, err := transpile.Text("ignition.yml", clc, "nowhere")
	if err != nil {
		if strings.Contains(err.Error(), " loses ") || strings.Contains(err.Error(), "cannot be written") {
			return false, err
		}
		return false, nil
	}
	if _, err := Document(old.JSON); err != nil {
		return true, err
	}
	config, err := Butane(old.JSON)
	if err != nil {
		return true, err
	}
	again, err := transpile.Text("ignition.bu", config, "nowhere")
	if err != nil {
		if stricter.MatchString(err.Error()) {
			return false, nil
		}
		return true, fmt.Errorf("%w\n%s", err, config)
	}
	if err := Equal(old.JSON, again.JSON); err != nil {
		return true, fmt.Errorf("%w\n%s", err, config)
	}
	return true, nil
}

// The document of a migrated config is that of the config, for whatever config. It is fuzzed with
// go test -fuzz FuzzMigrate ./internal/config/readable.
func FuzzMigrate(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(thrown(seed))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		clc := (&dice{bytes: bytes}).config()
		if _, err := migrated(clc); err != nil {
			t.Errorf("%v\n%s", err, clc)
		}
	})
}

// Most of what is generated is a config that the transpilers take: else the fuzzer would test nothing.
func TestGeneratedConfigsAreConfigs(t *testing.T) {
	const all = 100
	taken := 0
	for seed := range uint64(all) {
		clc := (&dice{bytes: thrown(seed)}).config()
		ok, err := migrated(clc)
		if err != nil {
			t.Errorf("%v\n%s", err, clc)
		}
		if ok {
			taken++
		}
	}
	t.Logf("%d of %d were taken", taken, all)
	if taken < all/4 {
		t.Errorf("only %d of %d were taken", taken, all)
	}
}

// thrown are bytes, always the same of a seed.
func thrown(seed uint64) (bytes []byte) {
	random := rand.New(rand.NewPCG(seed, 15))
	for range 40 + random.IntN(200) {
		bytes = append(bytes, byte(random.UintN(256)))
	}
	return bytes
}
