package guest

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"
)

func TestScreenPNG(t *testing.T) {
	made, err := ScreenPNG([]byte("P6\n2 1\n255\n\x01\x02\x03\xff\x00\n"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := png.Decode(bytes.NewReader(made))
	if err != nil || read.Bounds().Dx() != 2 || read.Bounds().Dy() != 1 {
		t.Fatalf("got %v, %v", read, err)
	}
	for x, want := range []color.NRGBA{{1, 2, 3, 255}, {255, 0, 10, 255}} {
		if got := color.NRGBAModel.Convert(read.At(x, 0)); got != want {
			t.Errorf("pixel %d: want %v, got %v", x, want, got)
		}
	}
	if same, err := ScreenPNG(made); err != nil || !bytes.Equal(same, made) {
		t.Errorf("a PNG: got %d bytes, %v", len(same), err)
	}
}

// FuzzScreenPNG gives anything: no picture is an error, none is a panic, and none takes more memory than a screen may.
func FuzzScreenPNG(f *testing.F) {
	for _, text := range []string{
		"", "P6", "P5\n1 1\n255\n\x00", "P6\n1 1\n255\n\x00\x00", "P6\n1 1\n65535\n\x00\x00\x00", "P6\n0 1\n255\n", "P6\n-1 -1\n255\n\x00\x00\x00",
		"P6\n99999999 99999999\n255\n", "P6\n4611686018427387904 4\n255\n", "GIF89a",
	} {
		if _, err := ScreenPNG([]byte(text)); err == nil {
			f.Errorf("%q: no error", text)
		}
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, picture []byte) {
		made, err := ScreenPNG(picture)
		if err == nil && !bytes.HasPrefix(made, []byte("\x89PNG")) {
			t.Errorf("got %q", made)
		}
	})
}
