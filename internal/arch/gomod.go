package arch

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// riverModule is the root of River's modules.
const riverModule = "github.com/riverqueue/river"

// Requirement is one module that a go.mod requires.
type Requirement struct {
	Path    string `json:"Path"`
	Version string `json:"Version"`
}

// Requirements reads the requirements of a go.mod file.
func Requirements(file string) ([]Requirement, error) {
	output, err := exec.Command("go", "mod", "edit", "-json", file).Output()
	if err != nil {
		return nil, fmt.Errorf("go mod edit %s: %w%s", file, err, stderr(err))
	}
	var mod struct {
		Require []Requirement `json:"Require"`
	}
	if err := json.Unmarshal(output, &mod); err != nil {
		return nil, fmt.Errorf("answer of go mod edit: %w", err)
	}
	return mod.Require, nil
}

// RequirementsOf reads the requirements of another module, as the module cache has it.
func RequirementsOf(r Requirement) ([]Requirement, error) {
	output, err := exec.Command("go", "mod", "download", "-json", r.Path+"@"+r.Version).Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download %s: %w%s", r.Path, err, stderr(err))
	}
	var module struct {
		GoMod string `json:"GoMod"`
	}
	if err := json.Unmarshal(output, &module); err != nil {
		return nil, fmt.Errorf("answer of go mod download: %w", err)
	}
	return Requirements(module.GoMod)
}

// RiverApart returns the River modules whose version differs from the first one's. River's modules call each other's
// unexported contract, so a mix may compile for one database and not for the other.
func RiverApart(requirements []Requirement) []Requirement {
	river := slices.DeleteFunc(slices.Clone(requirements), func(r Requirement) bool {
		return r.Path != riverModule && !strings.HasPrefix(r.Path, riverModule+"/")
	})
	return slices.DeleteFunc(river, func(r Requirement) bool { return r.Version == river[0].Version })
}

// VersionOf returns the version of a module, "" when it is not required.
func VersionOf(requirements []Requirement, modulePath string) string {
	for _, r := range requirements {
		if r.Path == modulePath {
			return r.Version
		}
	}
	return ""
}
