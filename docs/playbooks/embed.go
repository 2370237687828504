// Package playbooks holds the pages of docs/playbooks for the binary: what to do about each cause and each of the
// situations that people meet. pkg/playbook reads them.
package playbooks

import "embed"

// Pages are the pages: ID.md in English, ID.zh.md in Chinese.
//
//go:embed *.md
var Pages embed.FS
