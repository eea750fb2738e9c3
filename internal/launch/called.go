package launch

import (
	"os"
	"os/exec"
)

// calledVariable says to a program that another one started in its place how the user called that one.
const calledVariable = "_COREOS_LIBVIRT_CALLED"

// launched is Mage without Mage installed.
const launched = "go run magefile.go"

// Called is what the user typed before the target, to type it again: mage, go run magefile.go, ./coreos-libvirt.
func Called() string {
	if called := os.Getenv(calledVariable); called != "" {
		return called
	}
	if Whole {
		return os.Args[0]
	}
	if _, err := exec.LookPath("mage"); err == nil {
		return "mage" // also if that is this program
	}
	return launched
}

// CalledAs is how Called of a program knows it that is started with it in its environment.
func CalledAs(called string) string { return calledVariable + "=" + called }

// Launched is CalledAs for what the launcher starts.
func Launched() string { return CalledAs(launched) }
