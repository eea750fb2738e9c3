package readable

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Equal is an error, with the lines that differ, if two Ignition documents do not say the same: whatever version they are of, and
// however contents are encoded.
func Equal(a, b []byte) error {
	left, err := plain(a)
	if err != nil {
		return err
	}
	right, err := plain(b)
	if err != nil {
		return err
	}
	if diff := udiff.Unified("", "", left, right); diff != "" {
		_, hunks, _ := strings.Cut(diff, "@@")
		return fmt.Errorf("the documents differ:\n@@%s", hunks)
	}
	return nil
}

// plain is a document in lines, without its version, with what data URLs carry in quotes: also bytes that are no text.
func plain(doc []byte) (string, error) {
	tree, err := parse(doc)
	if err != nil {
		return "", err
	}
	if ignition, is := tree["ignition"].(map[string]any); is {
		delete(ignition, "version")
	}
	carried, err := decoded(prune(tree))
	if err != nil {
		return "", err
	}
	lines, err := json.MarshalIndent(carried, "", " ")
	return string(lines) + "\n", err
}

// decoded has in place of data URLs what they carry.
func decoded(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = decoded(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if isData(v) {
			data, err := Contents(v)
			if err != nil {
				return nil, err
			}
			v["source"] = fmt.Sprintf("%q", data)
			delete(v, "compression")
			return v, nil
		}
		for key := range v {
			if v[key], err = decoded(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
