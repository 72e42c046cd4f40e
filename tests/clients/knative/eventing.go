package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	eventingv1 "knative.dev/eventing/pkg/apis/eventing/v1"
	sourcesv1 "knative.dev/eventing/pkg/apis/sources/v1"
	duckv1 "knative.dev/pkg/apis/duck/v1"
)

type follower = func(context.Context, metav1.ListOptions) (watch.Interface, error)

func sink() duckv1.Destination {
	return duckv1.Destination{Ref: &duckv1.KReference{Kind: "Service", Name: name, APIVersion: "serving.knative.dev/v1"}}
}

func broker(w *world) {
	brokers, triggers := w.eventing.EventingV1().Brokers(space), w.eventing.EventingV1().Triggers(space)
	_, err := brokers.Create(w.ctx, &eventingv1.Broker{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
	must(err)
	found := awaitReady(w, "default", brokers.Get, brokers.Watch, func(b *eventingv1.Broker) (bool, string) {
		return ready(b.Generation, b.Status.ObservedGeneration, b.Status.GetCondition(eventingv1.BrokerConditionReady))
	})
	check(found.Status.Address != nil && found.Status.Address.URL != nil, "no address")
	made := &eventingv1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: "t"}, Spec: eventingv1.TriggerSpec{
		Broker: "default", Subscriber: sink(), Filter: &eventingv1.TriggerFilter{Attributes: eventingv1.TriggerFilterAttributes{"type": "a"}},
	}}
	_, err = triggers.Create(w.ctx, made, metav1.CreateOptions{})
	must(err)
	w.readyTrigger()
	live, err := triggers.Get(w.ctx, "t", metav1.GetOptions{})
	must(err)
	edited := live.DeepCopy()
	edited.Spec.Filter.Attributes["type"] = "b"
	_, err = triggers.Update(w.ctx, edited, metav1.UpdateOptions{})
	must(err)
	again := w.readyTrigger()
	check(again.Generation == 2 && again.Spec.Filter.Attributes["type"] == "b", "generation %d, filter %v", again.Generation, again.Spec.Filter)
	all, err := triggers.List(w.ctx, metav1.ListOptions{})
	must(err)
	check(len(all.Items) == 1, "triggers %v", all.Items)
	w.deleted(triggers.Watch, "t", func(options metav1.DeleteOptions) error { return triggers.Delete(w.ctx, "t", options) })
	w.deleted(brokers.Watch, "default", func(options metav1.DeleteOptions) error { return brokers.Delete(w.ctx, "default", options) })
}

func (w *world) readyTrigger() *eventingv1.Trigger {
	triggers := w.eventing.EventingV1().Triggers(space)
	return awaitReady(w, "t", triggers.Get, triggers.Watch, func(t *eventingv1.Trigger) (bool, string) {
		return ready(t.Generation, t.Status.ObservedGeneration, t.Status.GetCondition(eventingv1.TriggerConditionReady))
	})
}

func sources(w *world) {
	pings := w.eventing.SourcesV1().PingSources(space)
	made := &sourcesv1.PingSource{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: sourcesv1.PingSourceSpec{
		Schedule: "0 0 1 1 *", Data: "x", SourceSpec: duckv1.SourceSpec{Sink: sink()},
	}}
	_, err := pings.Create(w.ctx, made, metav1.CreateOptions{})
	must(err)
	found := awaitReady(w, "p", pings.Get, pings.Watch, func(p *sourcesv1.PingSource) (bool, string) {
		return ready(p.Generation, p.Status.ObservedGeneration, p.Status.GetCondition(sourcesv1.PingSourceConditionReady))
	})
	check(found.Status.SinkURI != nil, "no sink")
	must(pings.Delete(w.ctx, "p", metav1.DeleteOptions{}))
}

// listTypes is how kn finds which sources there are: by a label of their definitions.
func listTypes(w *world) {
	definitions := w.dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	found, err := definitions.List(w.ctx, metav1.ListOptions{LabelSelector: "duck.knative.dev/source=true"})
	must(err)
	names := map[string]bool{}
	for _, one := range found.Items {
		names[one.GetName()] = true
	}
	check(names["pingsources.sources.knative.dev"], "sources %v", names)
}
