package readable

import (
	"errors"
	"reflect"

	"go.yaml.in/yaml/v4"

	"coreos-libvirt/internal/terminal/hint"
)

// encode writes the node as YAML. What is written is read back: an error is better than YAML that says something else.
func encode(node *yaml.Node) ([]byte, error) {
	var want, got any
	if err := node.Decode(&want); err != nil { // before: the encoder takes tags away
		return nil, unwritable(err)
	}
	text, err := yaml.Dump(node, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, unwritable(err)
	}
	if err := yaml.Unmarshal(text, &got); err != nil {
		return nil, unwritable(err)
	}
	if !reflect.DeepEqual(want, got) {
		return nil, unwritable(errors.New("what is written reads as something else"))
	}
	return text, nil
}

func unwritable(err error) error {
	return hint.Errorf("the document itself is in vm/<node>/ignition.json; please report this config", "the Ignition document cannot be written as YAML: %w", err)
}
