package stream

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"coreos-libvirt/internal/terminal/hint"
)

const (
	// aheadOfVersion is how much earlier than its version's day an image may be signed: clocks and time zones differ.
	aheadOfVersion = 48 * time.Hour
	// behindVersion is how much later Fedora CoreOS may be signed. A version has the day of the testing release that became it
	// (coreos/fedora-coreos-tracker, issue 211): stable ones come out about two weeks, with their fixes five weeks, after it.
	behindVersion = 60 * 24 * time.Hour
)

// flatcarEpoch is day 0 of Flatcar's major numbers, which are the day on which a version was branched off (3033: 20 October 2021,
// and 3033.0.0 was out five days later). Long-term versions are signed for years after that day.
var flatcarEpoch = time.Date(2013, 7, 1, 0, 0, 0, 0, time.UTC)

// day is the one in the image's version: the day before which there can be no such image. ok is false if it has none.
func (i Image) day() (day time.Time, ok bool) {
	parts := strings.Split(i.Version, ".")
	switch {
	case i.OS == "flatcar":
		days, err := strconv.Atoi(parts[0])
		return flatcarEpoch.AddDate(0, 0, days), err == nil
	case i.OS == "fcos" && len(parts) > 1:
		day, err := time.Parse("20060102", parts[1])
		return day, err == nil
	}
	return day, false
}

// SignedAt refuses a signature of a day on which this version cannot have been signed: the bytes are then those of another
// version, which somebody serves as this one. The signature itself does not name the version.
func (i Image) SignedAt(at time.Time) error {
	day, ok := i.day()
	early := ok && at.Before(day.Add(-aheadOfVersion))
	late := ok && i.OS == "fcos" && at.After(day.Add(behindVersion))
	if !early && !late {
		return nil
	}
	return hint.Errorf("somebody may serve an old image as a new one; nothing was kept. Another server: fcos_url= or flatcar_url=",
		"the signature is of %s, and version %s is of %s: it is another image's", at.UTC().Format(time.DateOnly), i.Version, day.Format(time.DateOnly))
}

// channelNumbers are the parts of versions that name the channel: Fedora CoreOS' third (coreos/fedora-coreos-tracker,
// issue 211) and Flatcar's second (its documentation, "Building production images").
var channelNumbers = map[string]map[string]string{
	"fcos":    {"next": "1", "testing": "2", "stable": "3"},
	"flatcar": {"alpha": "0", "beta": "1", "stable": "2", "lts": "3"},
}

// checkChannel refuses a version of another channel, which a server gives as the newest of this one.
func (i Image) checkChannel(channel string) error {
	at := map[string]int{"fcos": 2, "flatcar": 1}[i.OS]
	want, parts := channelNumbers[i.OS][channel], strings.Split(i.Version, ".")
	if len(parts) > at && parts[at] == want {
		return nil
	}
	return fmt.Errorf("image %s: the distributor's metadata name version %s, which is none of this stream (%s)", i.Name, i.Version, example(i.OS, want))
}

func example(os, number string) string {
	if os == "flatcar" {
		return "they are …." + number + ".…"
	}
	return "they are …." + "<day>." + number + ".…"
}
