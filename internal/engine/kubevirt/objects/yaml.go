package objects

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// YAML are the objects as documents of one file, for `kubectl apply`. The same objects give the same bytes.
func YAML(all []Object) ([]byte, error) {
	var text bytes.Buffer
	for _, o := range all {
		one, err := yaml.Dump(o, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1))
		if err != nil {
			return nil, fmt.Errorf("the objects cannot be written as YAML: %w", err)
		}
		text.WriteString("---\n")
		text.Write(one)
	}
	return text.Bytes(), nil
}
