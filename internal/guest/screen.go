package guest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
)

// MostOfScreen is how many bytes a picture of a screen may have: 24 bits a pixel of more than 5120 by 2880.
const MostOfScreen = 64 << 20

// ScreenPNG makes a PNG of a picture that is one, or a PPM. The guest has chosen its size.
func ScreenPNG(picture []byte) ([]byte, error) {
	if bytes.HasPrefix(picture, []byte("\x89PNG\r\n\x1a\n")) {
		return picture, nil
	}
	decoded, err := decodePPM(picture)
	if err != nil {
		return nil, fmt.Errorf("the picture of the screen is neither PNG nor PPM: %w", err)
	}
	var out bytes.Buffer
	err = png.Encode(&out, decoded)
	return out.Bytes(), err
}

// decodePPM reads the one kind of PPM that QEMU writes: P6, width, height, 255, each behind white space, then three bytes a
// pixel (netpbm's ppm(5)). There is no comment in it.
func decodePPM(picture []byte) (image.Image, error) {
	var width, height, most int
	in := bufio.NewReader(bytes.NewReader(picture))
	if _, err := fmt.Fscanf(in, "P6\n%d %d\n%d\n", &width, &height, &most); err != nil {
		return nil, err
	}
	if most != 255 || width < 1 || height < 1 || width > len(picture)/3/height {
		return nil, errors.New("it has another size than it says")
	}
	rgb := make([]byte, 3*width*height)
	if _, err := io.ReadFull(in, rgb); err != nil {
		return nil, err
	}
	decoded := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(decoded.Pix[4*i:], rgb[3*i:3*i+3])
		decoded.Pix[4*i+3] = 255
	}
	return decoded, nil
}
