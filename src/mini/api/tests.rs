//! The server as clients see it.

mod admission;
mod deletion;
mod objects;
mod streams;
mod watches;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{Api, Client, api::PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Server, ServerOptions};
use crate::clock::Clock;

/// A server with the namespace `default`, and a client.
async fn cluster() -> (Server, Client) {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let server = Server::new(clock, ServerOptions::default());
    let client = server.client("tests/1");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = read(json!({"metadata": {"name": "default"}}));
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .expect("a namespace");
    (server, client)
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

fn pod(name: &str) -> Pod {
    read(json!({
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "busybox"}]},
    }))
}

/// Creates any object of a built-in kind.
async fn create<K>(client: &Client, value: Value) -> Result<K, kube::Error>
where
    K: kube::Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + serde::Serialize,
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
{
    let api: Api<K> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &read(value)).await
}

fn message<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> String {
    match result {
        Err(kube::Error::Api(status)) => status.message.clone(),
        other => panic!("not refused: {other:?}"),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("not refused: {other:?}"),
    }
}
