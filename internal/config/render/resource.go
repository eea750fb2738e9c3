package render

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/vincent-petithory/dataurl"
)

// A resource, in Ignition's words, is an object with the keys source, compression and verification:
// file contents, merged configs, certificates, LUKS keys (Ignition spec 3.x, "resource").

func isResource(v map[string]any) bool {
	source, ok := v["source"].(string)
	return ok && strings.HasPrefix(source, "data:")
}

// resource replaces words inside the bytes that v's data URL carries, and encodes them the way they
// were. A hash of the contents follows them.
func (s substituter) resource(v map[string]any, at string) error {
	source := v["source"].(string)
	url, err := dataurl.DecodeString(source)
	if err != nil {
		return fmt.Errorf("no data URL of RFC 2397: %w", err)
	}
	zipped := v["compression"] == "gzip"
	old, err := unpack(url.Data, zipped)
	if err != nil {
		return err
	}
	replaced, err := s.contents(old, at)
	if err != nil || bytes.Equal(replaced, old) {
		return err
	}
	packed, err := pack(replaced, zipped)
	if err != nil {
		return err
	}
	head, _, _ := strings.Cut(source, ",")
	v["source"] = head + "," + encodeData(packed, url.Encoding)
	return rehash(v, old, replaced)
}

// encodeData is the part of a data URL behind its comma.
func encodeData(data []byte, encoding string) string {
	if encoding == dataurl.EncodingBase64 {
		return base64.StdEncoding.EncodeToString(data)
	}
	return dataurl.Escape(data)
}

// contents replaces words in a resource's bytes: as a document where Ignition merges it, else as text.
func (s substituter) contents(data []byte, at string) ([]byte, error) {
	if strings.HasPrefix(at, "ignition.config.") { // merge or replace
		return s.document(data)
	}
	text, err := s.text(string(data), at)
	return []byte(text), err
}

func unpack(data []byte, zipped bool) ([]byte, error) {
	if !zipped {
		return data, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("compression is gzip, but the contents are not: %w", err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("cannot unzip the contents: %w", err)
	}
	return plain, nil
}

func pack(data []byte, zipped bool) ([]byte, error) {
	if !zipped {
		return data, nil
	}
	var out bytes.Buffer
	writer, _ := zippers.Get().(*gzip.Writer)
	defer zippers.Put(writer)
	writer.Reset(&out)
	if _, err := writer.Write(data); err != nil {
		return nil, err
	}
	err := writer.Close()
	return out.Bytes(), err
}

// zippers are reused: each takes most of a MiB. They compress as Butane does.
var zippers = sync.Pool{New: func() any {
	writer, err := gzip.NewWriterLevel(nil, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return writer
}}

// rehash makes verification.hash, if it was that of the old contents, that of the new ones. Any other stays: it is of the new
// ones already, or wrong, and Ignition will say so. It is of the uncompressed bytes, written <function>-<hex> (Ignition spec 3.x).
func rehash(v map[string]any, old, contents []byte) error {
	verification, ok := v["verification"].(map[string]any)
	if !ok {
		return nil
	}
	hash, ok := verification["hash"].(string)
	if !ok {
		return nil
	}
	function, sum, _ := strings.Cut(hash, "-")
	was, err := hashOf(function, old)
	if err != nil || !strings.EqualFold(was, sum) {
		return err
	}
	is, err := hashOf(function, contents)
	verification["hash"] = function + "-" + is
	return err
}

// hashOf is a hash in hex, by Ignition's name of the function.
func hashOf(function string, data []byte) (string, error) {
	switch function {
	case "sha256":
		return fmt.Sprintf("%x", sha256.Sum256(data)), nil
	case "sha512":
		return fmt.Sprintf("%x", sha512.Sum512(data)), nil
	}
	return "", fmt.Errorf("verification.hash has an unknown function %q", function)
}
