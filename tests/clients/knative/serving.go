package main

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/retry"
	duckv1 "knative.dev/pkg/apis/duck/v1"
	"knative.dev/pkg/ptr"
	servingapi "knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	servingv1beta1 "knative.dev/serving/pkg/apis/serving/v1beta1"
)

const name = "hello"

func manifest(named string, env ...corev1.EnvVar) *servingv1.Service {
	made := &servingv1.Service{ObjectMeta: metav1.ObjectMeta{Name: named}}
	made.Spec.Template.Spec.Containers = []corev1.Container{{Image: image, Env: env}}
	made.Spec.Template.Annotations = map[string]string{"client.knative.dev/user-image": image}
	return made
}

func (w *world) readyService(namespace, named string) *servingv1.Service {
	client := w.serving.ServingV1().Services(namespace)
	return awaitReady(w, named, client.Get, client.Watch, func(s *servingv1.Service) (bool, string) {
		return ready(s.Generation, s.Status.ObservedGeneration, s.Status.GetCondition(servingv1.ServiceConditionReady))
	})
}

// change is a read, a change and a write, again when somebody was quicker.
func (w *world) change(named string, edit func(*servingv1.Service)) {
	client := w.serving.ServingV1().Services(space)
	must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := client.Get(w.ctx, named, metav1.GetOptions{})
		must(err)
		edited := live.DeepCopy()
		edit(edited)
		_, err = client.Update(w.ctx, edited, metav1.UpdateOptions{})
		return err
	}))
}

func create(w *world) {
	client := w.serving.ServingV1().Services(space)
	_, err := client.Get(w.ctx, name, metav1.GetOptions{})
	check(apierrors.IsNotFound(err), "found, or %v", err)
	made, err := client.Create(w.ctx, manifest(name, corev1.EnvVar{Name: "A", Value: "1"}), metav1.CreateOptions{})
	must(err)
	check(made.Annotations[servingapi.CreatorAnnotation] != "", "no creator: %v", made.Annotations)
	found := w.readyService(space, name)
	check(found.Status.URL != nil && strings.HasPrefix(found.Status.URL.Host, name+"."+space+"."), "URL %v", found.Status.URL)
	check(found.Status.LatestReadyRevisionName == name+"-00001", "latest ready %s", found.Status.LatestReadyRevisionName)
	_, err = client.Create(w.ctx, manifest(name), metav1.CreateOptions{})
	check(apierrors.IsAlreadyExists(err), "created twice, or %v", err)
}

func list(w *world) {
	for _, namespace := range []string{space, metav1.NamespaceAll} {
		found, err := w.serving.ServingV1().Services(namespace).List(w.ctx, metav1.ListOptions{})
		must(err)
		check(len(found.Items) == 1 && found.Items[0].Name == name, "services %v", found.Items)
		gvk := found.GroupVersionKind()
		check(gvk.Empty() || gvk.Kind == "ServiceList", "a list of kind %v", gvk)
	}
	one, err := w.serving.ServingV1().Services(space).List(w.ctx, metav1.ListOptions{FieldSelector: "metadata.name=none"})
	must(err)
	check(len(one.Items) == 0, "a field selector selects %v", one.Items)
}

func update(w *world) {
	w.change(name, func(s *servingv1.Service) {
		s.Spec.Template.Spec.Containers[0].Env[0].Value = "2"
		s.Spec.Template.Name = name + "-second"
		s.Labels = map[string]string{"team": "a"}
	})
	found := w.readyService(space, name)
	check(found.Status.LatestReadyRevisionName == name+"-second", "latest ready %s", found.Status.LatestReadyRevisionName)
	check(found.Labels["team"] == "a", "labels %v", found.Labels)
}

func traffic(w *world) {
	w.change(name, func(s *servingv1.Service) {
		s.Spec.Traffic = []servingv1.TrafficTarget{
			{RevisionName: name + "-00001", Percent: ptr.Int64(80), Tag: "stable"},
			{LatestRevision: ptr.Bool(true), Percent: ptr.Int64(20), Tag: "latest"},
		}
	})
	found := w.readyService(space, name)
	check(len(found.Status.Traffic) == 2, "traffic %v", found.Status.Traffic)
	for _, target := range found.Status.Traffic {
		check(strings.HasPrefix(target.URL.Host, target.Tag+"-"+name+"."), "the URL of tag %s is %v", target.Tag, target.URL)
	}
	w.change(name, func(s *servingv1.Service) { s.Spec.Traffic[1].Tag, s.Spec.Traffic[0].Tag = "", "" })
	check(w.readyService(space, name).Status.Traffic[0].URL == nil, "a tag that was taken away has a URL")
}

// apply is a three-way merge by the client: what it applied last, what it wants, what is there.
func apply(w *world) {
	client := w.serving.ServingV1().Services(space)
	for _, step := range []struct{ env, changed string }{{"1", "created"}, {"1", ""}, {"2", "changed"}} {
		wanted := manifest("applied", corev1.EnvVar{Name: "A", Value: step.env})
		wanted.APIVersion, wanted.Kind = "serving.knative.dev/v1", "Service"
		if step.env == "1" {
			wanted.Labels = map[string]string{"extra": "x"}
		}
		modified := withLastApplied(wanted)
		live, err := client.Get(w.ctx, "applied", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			check(step.changed == "created", "gone")
			must(json.Unmarshal(modified, wanted))
			_, err = client.Create(w.ctx, wanted, metav1.CreateOptions{})
			must(err)
			w.readyService(space, "applied")
			continue
		}
		must(err)
		live.APIVersion, live.Kind = wanted.APIVersion, wanted.Kind
		current, err := json.Marshal(live)
		must(err)
		original := []byte(live.Annotations[corev1.LastAppliedConfigAnnotation])
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(original, modified, current)
		must(err)
		patched, err := client.Patch(w.ctx, "applied", types.MergePatchType, patch, metav1.PatchOptions{})
		must(err)
		check((patched.Generation != live.Generation) == (step.changed != ""), "generation %d after %d by %s", patched.Generation, live.Generation, patch)
		found := w.readyService(space, "applied")
		_, extra := found.Labels["extra"]
		check(extra == (step.env == "1"), "labels %v", found.Labels)
	}
	must(client.Delete(w.ctx, "applied", metav1.DeleteOptions{}))
}

// withLastApplied is the manifest that names itself as what was applied.
func withLastApplied(wanted *servingv1.Service) []byte {
	before, err := json.Marshal(wanted)
	must(err)
	noted := wanted.DeepCopy()
	if noted.Annotations == nil {
		noted.Annotations = map[string]string{}
	}
	noted.Annotations[corev1.LastAppliedConfigAnnotation] = string(before)
	after, err := json.Marshal(noted)
	must(err)
	return after
}

func describe(w *world) {
	client := w.serving.ServingV1()
	selected := metav1.ListOptions{LabelSelector: servingapi.ServiceLabelKey + "=" + name}
	found, err := client.Revisions(space).List(w.ctx, selected)
	must(err)
	check(len(found.Items) == 2, "revisions %v", found.Items)
	for _, one := range found.Items {
		check(one.IsReady(), "%s is not ready", one.Name)
		check(len(one.Status.ContainerStatuses) == 1 && strings.Contains(one.Status.ContainerStatuses[0].ImageDigest, "@sha256:"), "digests %v", one.Status.ContainerStatuses)
		check(one.Annotations["client.knative.dev/user-image"] == image, "annotations %v", one.Annotations)
	}
	route, err := client.Routes(space).Get(w.ctx, name, metav1.GetOptions{})
	must(err)
	check(len(route.Status.Traffic) == 2 && *route.Status.Traffic[0].Percent == 80, "traffic %v", route.Status.Traffic)
	configuration, err := client.Configurations(space).Get(w.ctx, name, metav1.GetOptions{})
	must(err)
	check(configuration.Status.LatestReadyRevisionName == name+"-second", "latest ready %s", configuration.Status.LatestReadyRevisionName)
}

// export writes the service without what the cluster said, and import makes it elsewhere.
func export(w *world) {
	live, err := w.serving.ServingV1().Services(space).Get(w.ctx, name, metav1.GetOptions{})
	must(err)
	exported := &servingv1.Service{ObjectMeta: metav1.ObjectMeta{Name: live.Name, Labels: live.Labels}}
	exported.Spec.Template = *live.Spec.Template.DeepCopy()
	delete(exported.Spec.Template.Annotations, servingapi.CreatorAnnotation)
	_, err = w.serving.ServingV1().Services(other).Create(w.ctx, exported, metav1.CreateOptions{})
	must(err)
	check(w.readyService(other, name).Status.LatestReadyRevisionName == name+"-second", "the name of the revision went with it")
}

func revisions(w *world) {
	client := w.serving.ServingV1().Revisions(space)
	found, err := client.List(w.ctx, metav1.ListOptions{LabelSelector: servingapi.ServiceLabelKey + "=" + name})
	must(err)
	sort.Slice(found.Items, func(a, b int) bool { return generation(found.Items[a]) > generation(found.Items[b]) })
	check(found.Items[0].Name == name+"-second" && found.Items[1].Name == name+"-00001", "order %s, %s", found.Items[0].Name, found.Items[1].Name)
	w.change(name, func(s *servingv1.Service) {
		s.Spec.Traffic = []servingv1.TrafficTarget{{LatestRevision: ptr.Bool(true), Percent: ptr.Int64(100)}}
	})
	w.readyService(space, name)
	w.deleted(client.Watch, name+"-00001", func(options metav1.DeleteOptions) error {
		return client.Delete(w.ctx, name+"-00001", options)
	})
}

func generation(revision servingv1.Revision) int {
	number, err := strconv.Atoi(revision.Labels[servingapi.ConfigurationGenerationLabelKey])
	must(err)
	return number
}

func domain(w *world) {
	client := w.serving.ServingV1beta1().DomainMappings(space)
	host := "shop.example.org"
	ref := duckv1.KReference{Kind: "Service", Name: name, Namespace: space, APIVersion: "serving.knative.dev/v1"}
	made := &servingv1beta1.DomainMapping{ObjectMeta: metav1.ObjectMeta{Name: host}, Spec: servingv1beta1.DomainMappingSpec{Ref: ref}}
	_, err := client.Create(w.ctx, made, metav1.CreateOptions{})
	must(err)
	found := awaitReady(w, host, client.Get, client.Watch, func(d *servingv1beta1.DomainMapping) (bool, string) {
		return ready(d.Generation, d.Status.ObservedGeneration, d.Status.GetCondition(servingv1beta1.DomainMappingConditionReady))
	})
	check(found.Status.URL.Host == host, "URL %v", found.Status.URL)
	all, err := client.List(w.ctx, metav1.ListOptions{})
	must(err)
	check(len(all.Items) == 1, "mappings %v", all.Items)
	w.deleted(client.Watch, host, func(options metav1.DeleteOptions) error { return client.Delete(w.ctx, host, options) })
}

func refused(w *world) {
	client := w.serving.ServingV1().Services(space)
	bad := manifest("bad")
	bad.Spec.Template.Annotations["autoscaling.knative.dev/target"] = "-1"
	_, err := client.Create(w.ctx, bad, metav1.CreateOptions{})
	check(err != nil && strings.Contains(err.Error(), "should be at least 0.01"), "%v", err)
	check(apierrors.IsBadRequest(err), "%v", apierrors.ReasonForError(err))
	tried := manifest("tried")
	_, err = client.Create(w.ctx, tried, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	must(err)
	_, err = client.Get(w.ctx, "tried", metav1.GetOptions{})
	check(apierrors.IsNotFound(err), "a try was kept, or %v", err)
}

func remove(w *world) {
	client := w.serving.ServingV1().Services(space)
	w.deleted(client.Watch, name, func(options metav1.DeleteOptions) error { return client.Delete(w.ctx, name, options) })
	eventually("nothing is left of the service", func() bool {
		left, err := w.serving.ServingV1().Revisions(space).List(w.ctx, metav1.ListOptions{})
		must(err)
		return len(left.Items) == 0
	})
	must(w.serving.ServingV1().Services(other).Delete(w.ctx, name, metav1.DeleteOptions{}))
}

// deleted waits for the event.
func (w *world) deleted(follow follower, named string, del func(metav1.DeleteOptions) error) {
	watcher, err := follow(w.ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + named})
	must(err)
	defer watcher.Stop()
	background := metav1.DeletePropagationBackground
	must(del(metav1.DeleteOptions{PropagationPolicy: &background}))
	for event := range watcher.ResultChan() {
		if event.Type == watch.Deleted {
			return
		}
	}
	check(false, "%s was not deleted", named)
}
