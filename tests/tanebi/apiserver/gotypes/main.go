// What Go's types of Kubernetes say: protobuf bytes with the JSON of the same object, the field tables, and what an empty object
// holds. README.md tells how it is run.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

const depthMax = 14

// filler gives every field a value of its own. `zeros` gives every pointer, list and map, and zero values in them.
type filler struct {
	count int
	zeros bool
	seen  map[reflect.Type]int
}

func (f *filler) next() int { f.count++; return f.count }

func (f *filler) special(v reflect.Value) bool {
	n := 0
	if !f.zeros {
		n = f.next()
	}
	switch v.Addr().Interface().(type) {
	case *metav1.Time:
		v.Set(reflect.ValueOf(metav1.NewTime(time.Unix(1700000000+int64(n), 0).UTC())))
	case *metav1.MicroTime:
		v.Set(reflect.ValueOf(metav1.NewMicroTime(time.Unix(1700000000+int64(n), 123000).UTC())))
	case *resource.Quantity:
		v.Set(reflect.ValueOf(resource.MustParse(fmt.Sprintf("%dMi", n))))
	case *intstr.IntOrString:
		if n%2 == 0 {
			v.Set(reflect.ValueOf(intstr.FromInt32(int32(n))))
		} else {
			v.Set(reflect.ValueOf(intstr.FromString(fmt.Sprintf("%d%%", n))))
		}
	case *metav1.FieldsV1:
		v.Set(reflect.ValueOf(metav1.FieldsV1{Raw: []byte(`{"f:data":{".":{},"f:a":{}}}`)}))
	case *runtime.RawExtension:
		v.Set(reflect.ValueOf(runtime.RawExtension{Raw: []byte(fmt.Sprintf(`{"n":%d}`, n))}))
	case *apiext.JSON:
		v.Set(reflect.ValueOf(apiext.JSON{Raw: []byte(fmt.Sprintf(`{"n":[%d,null]}`, n))}))
	case *apiext.JSONSchemaPropsOrBool:
		v.Set(reflect.ValueOf(apiext.JSONSchemaPropsOrBool{Allows: n%2 == 1}))
	case *apiext.JSONSchemaPropsOrStringArray:
		v.Set(reflect.ValueOf(apiext.JSONSchemaPropsOrStringArray{Property: []string{fmt.Sprintf("p%d", n)}}))
	case *apiext.JSONSchemaPropsOrArray:
		v.Set(reflect.ValueOf(apiext.JSONSchemaPropsOrArray{Schema: &apiext.JSONSchemaProps{Title: fmt.Sprintf("t%d", n)}}))
	default:
		return false
	}
	return true
}

func (f *filler) fill(v reflect.Value, depth int) {
	if v.CanAddr() && f.special(v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if f.seen[v.Type()] > 1 || depth > depthMax {
			return
		}
		f.seen[v.Type()]++
		for i := 0; i < v.NumField(); i++ {
			field := v.Type().Field(i)
			if field.Type == reflect.TypeOf(metav1.TypeMeta{}) || field.Tag.Get("json") == "-" {
				continue
			}
			f.fill(v.Field(i), depth+1)
		}
		f.seen[v.Type()]--
	case reflect.Pointer:
		if f.seen[v.Type().Elem()] > 1 {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth+1)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(fmt.Sprintf("bytes %d", f.next())))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		item := reflect.New(v.Type().Elem()).Elem()
		f.fill(item, depth+1)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), item)
	default:
		if !f.zeros {
			f.scalar(v)
		}
	}
}

func (f *filler) scalar(v reflect.Value) {
	n := f.next()
	sign := int64(1 - 2*(n%2))
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("s-%d 種", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32:
		v.SetInt(sign * int64(n))
	case reflect.Int64:
		v.SetInt(sign * int64(n) << 32)
	case reflect.Float64:
		v.SetFloat(float64(sign) * (float64(n) + 0.25))
	default:
		panic(v.Type().String())
	}
}

func kinds(s *runtime.Scheme) []schema.GroupVersionKind {
	found := []schema.GroupVersionKind{}
	for gvk := range s.AllKnownTypes() {
		found = append(found, gvk)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].String() < found[j].String() })
	return found
}

func vectors(s *runtime.Scheme, wanted []string) {
	out := protobuf.NewSerializer(s, s)
	lines := []string{}
	for _, name := range wanted {
		gvk := parse(name)
		for _, variant := range []string{"full", "zeros", "empty"} {
			obj, err := s.New(gvk)
			check(err)
			f := filler{zeros: variant == "zeros", seen: map[reflect.Type]int{}}
			if variant != "empty" {
				f.fill(reflect.ValueOf(obj).Elem(), 0)
			}
			obj.GetObjectKind().SetGroupVersionKind(gvk)
			text := &strings.Builder{}
			check(out.Encode(obj, text))
			again, _, err := out.Decode([]byte(text.String()), nil, nil)
			check(err)
			again.GetObjectKind().SetGroupVersionKind(gvk)
			line, err := json.Marshal(map[string]any{
				"kind": gvk.Kind, "variant": variant, "object": again,
				"protobuf": base64.StdEncoding.EncodeToString([]byte(text.String())),
			})
			check(err)
			lines = append(lines, string(line))
		}
	}
	fmt.Println("[\n" + strings.Join(lines, ",\n") + "\n]")
}

// bytesOf reads a JSON object per line and writes its protobuf bytes, in base64: a line each.
func bytesOf(s *runtime.Scheme) {
	out := protobuf.NewSerializer(s, s)
	in := json.NewDecoder(os.Stdin)
	for in.More() {
		raw := json.RawMessage{}
		check(in.Decode(&raw))
		head := metav1.TypeMeta{}
		check(json.Unmarshal(raw, &head))
		obj, err := s.New(head.GroupVersionKind())
		check(err)
		check(json.Unmarshal(raw, obj))
		text := &strings.Builder{}
		check(out.Encode(obj, text))
		fmt.Println(base64.StdEncoding.EncodeToString([]byte(text.String())))
	}
}

// zero prints what the JSON of an empty object of each kind holds beside its metadata.
func zero(s *runtime.Scheme) {
	for _, gvk := range kinds(s) {
		obj, err := s.New(gvk)
		check(err)
		text, err := json.Marshal(obj)
		check(err)
		found := map[string]any{}
		if json.Unmarshal(text, &found) != nil {
			continue
		}
		if _, ok := found["metadata"]; !ok {
			continue
		}
		delete(found, "metadata")
		if len(found) > 0 {
			line, _ := json.Marshal(found)
			fmt.Printf("%s %s %s\n", gvk.GroupVersion(), gvk.Kind, line)
		}
	}
}

// tables prints the messages below a kind: field number, JSON name, type, and whether a zero value is written.
func tables(s *runtime.Scheme, wanted []string) {
	done := map[reflect.Type]bool{}
	for _, name := range wanted {
		obj, err := s.New(parse(name))
		check(err)
		table(reflect.TypeOf(obj).Elem(), done)
	}
}

func table(t reflect.Type, done map[reflect.Type]bool) {
	if done[t] || t.Kind() != reflect.Struct {
		return
	}
	done[t] = true
	fields, below := []string{}, []reflect.Type{}
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		tag := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			continue
		}
		names := strings.Split(field.Tag.Get("json"), ",")
		label, inner := typeName(field.Type)
		if label == "" {
			label = "?" + field.Type.String()
		}
		if names[0] == "" {
			names[0] = "-"
		}
		omits := len(names) > 1 && names[1] == "omitempty"
		switch {
		case names[0] == "-", strings.HasPrefix(label, "map:"):
		case field.Type.Kind() == reflect.Pointer && inner.Kind() != reflect.Struct:
			label += "?"
		case !omits:
			label += "!"
		}
		fields = append(fields, fmt.Sprintf("%s %s %s", tag[1], names[0], label))
		below = append(below, inner)
	}
	fmt.Printf("%q: %q,\n", t.Name(), strings.Join(fields, ", "))
	for _, inner := range below {
		table(inner, done)
	}
}

func typeName(t reflect.Type) (string, reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes", t
		}
		name, inner := typeName(t.Elem())
		return "[]" + name, inner
	case reflect.Map:
		name, inner := typeName(t.Elem())
		return "map:" + name, inner
	case reflect.Struct:
		return t.Name(), t
	case reflect.Float64:
		return "double", t
	}
	return t.Kind().String(), t
}

func parse(name string) schema.GroupVersionKind {
	at := strings.LastIndex(name, "/")
	gv, err := schema.ParseGroupVersion(name[:at])
	check(err)
	return gv.WithKind(name[at+1:])
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	s := scheme.Scheme
	check(apiext.AddToScheme(s))
	switch os.Args[1] {
	case "vectors":
		vectors(s, os.Args[2:])
	case "tables":
		tables(s, os.Args[2:])
	case "zero":
		zero(s)
	case "bytes":
		bytesOf(s)
	}
}
