package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeBill writes the bill of materials of a binary: CycloneDX 1.6, every module that the linker put in, from the binary.
func writeBill(out string, t target, s stamp, program []byte, modules []module) error {
	bill, err := billOf(t, s, program, modules)
	if err != nil {
		return err
	}
	var doc bytes.Buffer
	if err := cdx.NewBOMEncoder(&doc, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bill, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, t.name(s)+".cdx.json"), doc.Bytes(), 0o644) //nolint:gosec // for everybody to read
}

func billOf(t target, s stamp, program []byte, modules []module) (*cdx.BOM, error) {
	sum := sumOf(program)
	self := cdx.Component{
		BOMRef: "poskey", Type: cdx.ComponentTypeApplication, Name: "poskey", Version: s.Version,
		Hashes:   &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		Licenses: licences("Apache-2.0"),
		Properties: &[]cdx.Property{
			{Name: "poskey:commit", Value: s.Commit}, {Name: "poskey:file", Value: t.program()},
			{Name: "poskey:platform", Value: t.goos + "/" + t.goarch}, {Name: "poskey:pkcs11", Value: fmt.Sprint(t.cgo)},
		},
	}
	components, err := componentsOf(modules)
	if err != nil {
		return nil, err
	}
	refs := []string{}
	for _, c := range components {
		refs = append(refs, c.BOMRef)
	}
	bill := cdx.NewBOM()
	// A serial number has to be a UUID; this one is made of the binary's hash, so that the same binary has the same bill.
	bill.SerialNumber = uuid(sum)
	bill.Metadata = &cdx.Metadata{Timestamp: s.at.Format(time.RFC3339), Component: &self}
	bill.Components = &components
	bill.Dependencies = &[]cdx.Dependency{{Ref: self.BOMRef, Dependencies: &refs}}
	return bill, nil
}

// uuid shapes a hash as RFC 9562 has it for values made in a way of one's own (version 8).
func uuid(sum [32]byte) string {
	b := sum[:16]
	b[6], b[8] = b[6]&0x0F|0x80, b[8]&0x3F|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func licences(ids ...string) *cdx.Licenses {
	var all cdx.Licenses
	for _, id := range ids {
		all = append(all, cdx.LicenseChoice{License: &cdx.License{ID: id}})
	}
	if all == nil {
		return nil
	}
	return &all
}

func componentsOf(modules []module) ([]cdx.Component, error) {
	version := strings.TrimPrefix(runtime.Version(), "go")
	all := []cdx.Component{{
		BOMRef: "pkg:golang/std@" + version, Type: cdx.ComponentTypeLibrary, Name: "std", Version: version,
		PackageURL: "pkg:golang/std@" + version, Licenses: licences("BSD-3-Clause"),
		Description: "Go's own library and the runtime",
	}}
	for _, m := range modules {
		texts, err := licenceTexts(m.folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
		ref := "pkg:golang/" + m.path + "@" + m.version
		c := cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: ref,
			Licenses: licences(licencesOf(texts)...)}
		if m.sum != "" {
			c.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.sum}} // a hash over the module's files, not over one file
		}
		all = append(all, c)
	}
	return all, nil
}

// licenceTexts reads the licence and the notices of a module.
func licenceTexts(folder string) (tree, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	texts := tree{}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"},
			func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		texts.add(e.Name(), data)
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("no licence in the module; nobody may pass it on")
	}
	return texts, nil
}

// licencesOf names the licences of a module (SPDX), each by a sentence that it alone has; nothing when none is known: a
// bill says nothing rather than something wrong.
func licencesOf(texts tree) []string {
	var ids []string
	for _, name := range texts.names() {
		text := strings.Join(strings.Fields(string(texts[name].data)), " ")
		for _, known := range []struct{ sentence, id string }{
			{"Mozilla Public License Version 2.0", "MPL-2.0"},
			{"Mozilla Public License, version 2.0", "MPL-2.0"},
			{"Apache License Version 2.0", "Apache-2.0"},
			{"Apache License, Version 2.0", "Apache-2.0"},
			{"This is free and unencumbered software released into the public domain", "Unlicense"},
			{"Permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"},
			{"Permission to use, copy, modify, and/or distribute this software for any purpose", "ISC"},
			{bsd + neither, "BSD-3-Clause"},
		} {
			if holdsAll(text, known.sentence) && !slices.Contains(ids, known.id) {
				ids = append(ids, known.id)
			}
		}
		if holdsAll(text, bsd) && !holdsAll(text, bsd+neither) {
			ids = append(ids, "BSD-2-Clause")
		}
	}
	slices.Sort(ids)
	return ids
}

const (
	bsd     = "Redistribution and use in source and binary forms"
	neither = "|may be used to endorse or promote products derived" // the third clause, whoever it names
)

// holdsAll: every part between bars stands in the text.
func holdsAll(text, parts string) bool {
	for _, part := range strings.Split(parts, "|") {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// noticesOf puts the licences of everything in a binary together, as they ask for.
func noticesOf(modules []module) ([]byte, error) {
	out := "What poskey is built of, and under which licences. poskey's own is LICENSE.\n\n"
	root, err := run(nil, goTool(), "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	all := append([]module{{path: "Go", version: runtime.Version(), folder: strings.TrimSpace(root)}}, modules...)
	for _, m := range all {
		texts, err := licenceTexts(m.folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
		for _, name := range texts.names() {
			out += notice(m.path+" "+m.version+" ("+name+")", string(texts[name].data))
		}
	}
	return []byte(out), nil
}
