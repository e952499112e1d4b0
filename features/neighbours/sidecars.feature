Feature: A sidecar counts like a container
  A pod is Ready when its proxies and agents are, too.
  Source: Kubernetes documentation, sidecar containers.

  Rule: The probe of a sidecar holds back the next ordinal

    @x-sidecar-readiness
    Scenario: A sidecar that is not Ready
      Given the set "web" is planned
      And its description says
        """
        spec:
          template:
            spec:
              initContainers:
              - name: proxy
                image: busybox:1.28.4
                restartPolicy: Always
                command: [sleep, "2147483647"]
                readinessProbe: {exec: {command: [cat, /tmp/never]}, periodSeconds: 1}
                resources: {requests: {cpu: 1m, memory: 8Mi}, limits: {cpu: 100m, memory: 32Mi}}
                securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
        """
      When the set "web" is created with 2 replicas
      Then pod "web-0" becomes Running
      And pod "web-0" stays not Ready
      And pod "web-1" stays missing
