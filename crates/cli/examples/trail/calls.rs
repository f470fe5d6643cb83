//! What an ordinary account is full of: some services' calls, by some roles, over and over.

use fastrand::Rng;

use crate::{ACCOUNT, Scene};

pub(crate) fn letters(rng: &mut Rng, count: usize) -> String {
    (0..count).map(|_| rng.alphanumeric()).collect()
}

fn key(rng: &mut Rng, prefix: &str) -> String {
    format!("{prefix}{}", letters(rng, 16).to_uppercase())
}

fn hex(rng: &mut Rng, count: usize) -> String {
    (0..count)
        .map(|_| char::from_digit(rng.u32(..16), 16).unwrap())
        .collect()
}

pub(crate) fn uuid(rng: &mut Rng) -> String {
    let part = |rng: &mut Rng, count| hex(rng, count);
    format!(
        "{}-{}-4{}-a{}-{}",
        part(rng, 8),
        part(rng, 4),
        part(rng, 3),
        part(rng, 3),
        part(rng, 12)
    )
}

/// One record, its keys in CloudTrail's order. `error` is empty, or the two keys of an error with
/// a comma behind.
#[expect(clippy::too_many_arguments, reason = "each is a part of every record")]
pub(crate) fn record(
    scene: &Scene,
    identity: &str,
    (source, name): (&str, &str),
    error: &str,
    request: &str,
    response: &str,
    id: &str,
    rng: &mut Rng,
) -> String {
    let service = source.split('.').next().unwrap_or_default();
    let agent = AGENTS[usize::from(rng.u8(..)) % AGENTS.len()];
    let read_only = ["Get", "List", "Describe", "Batch", "Decrypt"]
        .iter()
        .any(|verb| name.starts_with(verb));
    let Scene { time, region } = scene;
    let (host, request_id) = (rng.u8(1..), uuid(rng));
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{identity},"eventTime":"{time}","eventSource":"{source}","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"10.20.{host}.{host}","userAgent":"{agent}",{error}"requestParameters":{request},"responseElements":{response},"requestID":"{request_id}","eventID":"{id}","readOnly":{read_only},"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"{ACCOUNT}","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{service}.{region}.amazonaws.com"}}}}"#
    )
}

const AGENTS: [&str; 8] = [
    "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.198.0 m/E,i",
    "Boto3/1.35.90 md/Botocore#1.35.90 ua/2.0 os/linux#6.1.119-129.201.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.8 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.90",
    "APN/1.0 HashiCorp/1.0 Terraform/1.10.3 (+https://www.terraform.io) terraform-provider-aws/5.82.2 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.7 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64 api/iam#1.38.3 m/C",
    "aws-cli/2.22.26 md/awscrt#0.23.4 ua/2.0 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.ls",
    "aws-sdk-java/2.29.43 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.230 lang/java#21.0.5 md/OpenJDK_64-Bit_Server_VM#21.0.5+11-LTS md/vendor#Amazon.com_Inc. md/en_US exec-env/AWS_ECS_FARGATE m/D,N",
    "aws-internal/3 aws-sdk-java/1.12.779 Linux/5.10.230-202.885.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.432-b06 java/1.8.0_432 vendor/N/A cfg/retry-mode/standard",
    "amazon-ssm-agent/3.3.1345.0 aws-sdk-go/1.55.5 (go1.22.9; linux; amd64)",
    "kubernetes/v1.31.3-eks-7f9249a aws-cloud-controller-manager aws-sdk-go/1.55.5 (go1.22.9; linux; amd64)",
];

const WORDS: [&str; 24] = [
    "api", "worker", "billing", "ingest", "search", "orders", "web", "batch", "metrics", "auth",
    "queue", "cache", "export", "audit", "mail", "video", "image", "ledger", "gateway", "report",
    "session", "catalog", "payment", "stream",
];

/// Who calls.
pub(crate) struct Cast {
    roles: Vec<(String, String)>,
    instances: Vec<String>,
}

impl Cast {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let roles = (0..120).map(|_| {
            let name = format!("{}-{}-role", word(rng), word(rng));
            (name, key(rng, "AROA"))
        });
        let roles = roles.collect();
        let instances = (0..300).map(|_| format!("i-0{}", hex(rng, 16))).collect();
        Self { roles, instances }
    }

    /// Some are busier than others.
    fn role(&self, rng: &mut Rng) -> &(String, String) {
        let most = rng.usize(1..=self.roles.len());
        &self.roles[rng.usize(..most)]
    }

    fn instance(&self, rng: &mut Rng) -> &str {
        &self.instances[rng.usize(..self.instances.len())]
    }

    /// A session of a role, as most callers are.
    fn session(&self, rng: &mut Rng, scene: &Scene) -> String {
        let (role, id) = self.role(rng).clone();
        let session = if rng.bool() {
            self.instance(rng).to_owned()
        } else {
            format!("{}-{}", word(rng), rng.u64(1_700_000_000..1_800_000_000))
        };
        let began = scene.time.strftime("%Y-%m-%dT%H:");
        let delivery = if rng.u8(..10) < 3 {
            r#","ec2RoleDelivery":"2.0""#
        } else {
            ""
        };
        format!(
            r#"{{"type":"AssumedRole","principalId":"{id}:{session}","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}","accountId":"{ACCOUNT}","accessKeyId":"{}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"arn:aws:iam::{ACCOUNT}:role/{role}","accountId":"{ACCOUNT}","userName":"{role}"}},"attributes":{{"creationDate":"{began}{:02}:{:02}Z","mfaAuthenticated":"false"}}{delivery}}}}}"#,
            key(rng, "ASIA"),
            rng.u8(..60),
            rng.u8(..60),
        )
    }

    pub(crate) fn call(&mut self, rng: &mut Rng, scene: &Scene) -> String {
        let id = uuid(rng);
        let who = self.session(rng, scene);
        let which = rng.u32(..100);
        let (source, name, request, response) = match which {
            0..20 => return self.assume_role(rng, scene, &id),
            20..34 => (
                "kms",
                pick(rng, &["Decrypt", "Decrypt", "GenerateDataKey"]),
                format!(
                    r#"{{"encryptionContext":{{"aws:{}:arn":"arn:aws:{0}:{}:{ACCOUNT}:{}/{}","PARAMETER_ARN":"arn:aws:ssm:{1}:{ACCOUNT}:parameter/{}/{}"}},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#,
                    pick(rng, &["s3", "sqs", "logs", "secretsmanager"]),
                    scene.region,
                    word(rng),
                    word(rng),
                    word(rng),
                    word(rng)
                ),
                "null".to_owned(),
            ),
            34..50 => (
                "ec2",
                pick(
                    rng,
                    &[
                        "DescribeInstances",
                        "DescribeVolumes",
                        "DescribeSecurityGroups",
                        "DescribeNetworkInterfaces",
                        "DescribeInstanceStatus",
                        "DescribeTags",
                    ],
                ),
                format!(
                    r#"{{"maxResults":{},"filterSet":{{"items":[{{"name":"instance-id","valueSet":{{"items":[{{"value":"{}"}}]}}}},{{"name":"tag:service","valueSet":{{"items":[{{"value":"{}"}}]}}}}]}}}}"#,
                    rng.u16(5..1000),
                    self.instance(rng),
                    word(rng)
                ),
                "null".to_owned(),
            ),
            50..58 => (
                "ssm",
                "UpdateInstanceInformation",
                format!(
                    r#"{{"instanceId":"{}","agentVersion":"3.3.1345.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"10.20.{}.{}","computerName":"ip-10-20-{}.{}.compute.internal","agentName":"amazon-ssm-agent","availabilityZone":"{}a","availabilityZoneId":"use1-az4","sSMConnectionChannel":"ssmmessages"}}"#,
                    self.instance(rng),
                    rng.u8(..),
                    rng.u8(..),
                    rng.u16(..),
                    scene.region,
                    scene.region
                ),
                "null".to_owned(),
            ),
            58..66 => (
                "s3",
                pick(
                    rng,
                    &[
                        "GetBucketAcl",
                        "ListObjects",
                        "GetBucketLocation",
                        "HeadBucket",
                    ],
                ),
                format!(
                    r#"{{"bucketName":"{0}-{1}-{ACCOUNT}","Host":"{0}-{1}-{ACCOUNT}.s3.{2}.amazonaws.com","prefix":"{1}/2026/03/","list-type":"2"}}"#,
                    word(rng),
                    word(rng),
                    scene.region
                ),
                "null".to_owned(),
            ),
            66..72 => (
                "logs",
                "CreateLogStream",
                format!(
                    r#"{{"logGroupName":"/aws/lambda/{}-{}","logStreamName":"2026/03/{:02}/[$LATEST]{}"}}"#,
                    word(rng),
                    word(rng),
                    rng.u8(1..11),
                    hex(rng, 32)
                ),
                "null".to_owned(),
            ),
            72..77 => (
                "sts",
                "GetCallerIdentity",
                "null".to_owned(),
                "null".to_owned(),
            ),
            77..82 => (
                "iam",
                pick(
                    rng,
                    &[
                        "GetRole",
                        "ListRoles",
                        "ListAttachedRolePolicies",
                        "GetPolicyVersion",
                    ],
                ),
                format!(r#"{{"roleName":"{}"}}"#, self.role(rng).0),
                "null".to_owned(),
            ),
            82..86 => (
                "ecr",
                "BatchGetImage",
                format!(
                    r#"{{"registryId":"{ACCOUNT}","repositoryName":"{}/{}","imageIds":[{{"imageTag":"{}"}}],"acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json","application/vnd.oci.image.index.v1+json"]}}"#,
                    word(rng),
                    word(rng),
                    hex(rng, 40)
                ),
                "null".to_owned(),
            ),
            86..90 => (
                "secretsmanager",
                "GetSecretValue",
                format!(
                    r#"{{"secretId":"arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{}/{}-{}"}}"#,
                    scene.region,
                    word(rng),
                    word(rng),
                    letters(rng, 6)
                ),
                "null".to_owned(),
            ),
            90..94 => (
                "elasticloadbalancing",
                "DescribeTargetHealth",
                format!(
                    r#"{{"targetGroupArn":"arn:aws:elasticloadbalancing:{}:{ACCOUNT}:targetgroup/{}/{}"}}"#,
                    scene.region,
                    word(rng),
                    hex(rng, 16)
                ),
                "null".to_owned(),
            ),
            94..96 => (
                "iam",
                "PutRolePolicy",
                format!(
                    r#"{{"roleName":"{}","policyName":"inline","policyDocument":"{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::{}-{}/*\"}},{{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"arn:aws:kms:{}:{ACCOUNT}:key/{}\"}}]}}"}}"#,
                    self.role(rng).0,
                    word(rng),
                    word(rng),
                    scene.region,
                    uuid(rng)
                ),
                "null".to_owned(),
            ),
            96 => return self.run_instances(rng, scene, &who, &id),
            _ => {
                let error = format!(
                    r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::{ACCOUNT}:assumed-role/{0}/{1} is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:{2}:{ACCOUNT}:table/{1} because no identity-based policy allows the dynamodb:DescribeTable action","#,
                    self.role(rng).0,
                    word(rng),
                    scene.region
                );
                return record(
                    scene,
                    &who,
                    ("dynamodb.amazonaws.com", "DescribeTable"),
                    &error,
                    "null",
                    "null",
                    &id,
                    rng,
                );
            }
        };
        let source = format!("{source}.amazonaws.com");
        record(
            scene,
            &who,
            (&source, name),
            "",
            &request,
            &response,
            &id,
            rng,
        )
    }

    /// By a service; the answer bears a token that nothing can compress.
    fn assume_role(&self, rng: &mut Rng, scene: &Scene, id: &str) -> String {
        let service = pick(rng, &["ec2", "lambda", "ecs-tasks", "events", "states"]);
        let (role, role_id) = self.role(rng).clone();
        let session = self.instance(rng).to_owned();
        let who = format!(r#"{{"type":"AWSService","invokedBy":"{service}.amazonaws.com"}}"#);
        let request = format!(
            r#"{{"roleArn":"arn:aws:iam::{ACCOUNT}:role/{role}","roleSessionName":"{session}","durationSeconds":3600}}"#
        );
        let response = format!(
            r#"{{"credentials":{{"accessKeyId":"{}","sessionToken":"{}","expiration":"Mar 4, 2026, {}:{:02}:07 PM"}},"assumedRoleUser":{{"assumedRoleId":"{role_id}:{session}","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"}}}}"#,
            key(rng, "ASIA"),
            letters(rng, 340),
            rng.u8(1..13),
            rng.u8(..60),
        );
        record(
            scene,
            &who,
            ("sts.amazonaws.com", "AssumeRole"),
            "",
            &request,
            &response,
            id,
            rng,
        )
    }

    /// The largest of the usual ones.
    fn run_instances(&self, rng: &mut Rng, scene: &Scene, who: &str, id: &str) -> String {
        let started = (0..rng.usize(1..8)).map(|index| {
            format!(
                r#"{{"instanceId":"i-0{}","imageId":"ami-0{}","currentState":{{"code":0,"name":"pending"}},"privateDnsName":"ip-10-20-0-{index}.ec2.internal","keyName":"{}","amiLaunchIndex":{index},"productCodes":{{}},"instanceType":"m7g.large","launchTime":1772600{:03}000,"placement":{{"availabilityZone":"{}a","tenancy":"default"}},"monitoring":{{"state":"disabled"}},"subnetId":"subnet-0{}","vpcId":"vpc-0123456789abcdef0","privateIpAddress":"10.20.0.{index}","stateReason":{{"code":"pending","message":"pending"}},"architecture":"arm64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{{}},"virtualizationType":"hvm","hypervisor":"xen","tagSet":{{"items":[{{"key":"Name","value":"{}"}},{{"key":"service","value":"{}"}}]}},"groupSet":{{"items":[{{"groupId":"sg-0{}","groupName":"{}"}}]}},"ebsOptimized":false,"enaSupport":true,"cpuOptions":{{"coreCount":2,"threadsPerCore":1}},"metadataOptions":{{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":2,"httpEndpoint":"enabled"}}}}"#,
                hex(rng, 16), hex(rng, 16), word(rng), rng.u16(..1000), scene.region, hex(rng, 16),
                word(rng), word(rng), hex(rng, 16), word(rng)
            )
        });
        let started: Vec<String> = started.collect();
        let request = format!(
            r#"{{"instancesSet":{{"items":[{{"minCount":1,"maxCount":8}}]}},"instanceType":"m7g.large","blockDeviceMapping":{{}},"monitoring":{{"enabled":false}},"disableApiTermination":false,"clientToken":"fleet-{}","launchTemplate":{{"launchTemplateId":"lt-0{}","version":"12"}}}}"#,
            uuid(rng),
            hex(rng, 16)
        );
        let response = format!(
            r#"{{"requestId":"{}","reservationId":"r-0{}","ownerId":"{ACCOUNT}","groupSet":{{}},"instancesSet":{{"items":[{}]}}}}"#,
            uuid(rng),
            hex(rng, 16),
            started.join(",")
        );
        record(
            scene,
            who,
            ("ec2.amazonaws.com", "RunInstances"),
            "",
            &request,
            &response,
            id,
            rng,
        )
    }
}

fn word(rng: &mut Rng) -> &'static str {
    WORDS[rng.usize(..WORDS.len())]
}

fn pick(rng: &mut Rng, names: &[&'static str]) -> &'static str {
    names[rng.usize(..names.len())]
}
